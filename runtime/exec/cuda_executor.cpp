#include "runtime/exec/cuda_executor.h"

#include "runtime/artifact/layout.h"
#include "runtime/base/log.h"
#include "runtime/device/cudnn_plan.h"
#include "runtime/exec/init.h"
#include "runtime/kernels/cuda_abi.h"

#include <algorithm>
#include <charconv>

namespace tailor::runtime {
namespace {

/// Of the parts of the allocation: what the driver gives a whole allocation.
constexpr std::uint64_t kPartAlignment = 256;
/// Two blocks for each of 66 multiprocessors keep a link to the host busy; more only wait for it.
constexpr std::uint64_t kMostCopyBlocks = 132;
constexpr const char* kRunning = "running a step";
constexpr const char* kWayOut = "a smaller run.batch, or run.memory_budget";

/// "forward, 16 to 32 channels of 8 x 8": as errors call the convolution of a plan.
std::string words_of(const ConvPlan& problem) {
  return concat(to_string(problem.product), ", ", problem.channels, " to ", problem.outputs, " channels of ",
                problem.image[0], " x ", problem.image[1]);
}

/// A failure to have a plan where the program runs, with the convolution, both versions and what to do.
Status without_plan(const LibraryPlan& plan, const std::string& here, const Status& failure) {
  std::string hint = "compile it again, where it is to run or with our own kernel: --set-kernel "
                     "'LAYER=implicit_gemm', or '*=implicit_gemm' for all";
  if (!failure.hint().empty()) hint = concat(failure.hint(), "; or ", hint);
  return Status(failure.code(),
                concat("the convolution (", words_of(plan.convolution), ") is planned for cuDNN ",
                       plan.version, ", here is ", here, ": ", failure.message()))
      .with_hint(std::move(hint));
}

/// Refuses code that is no text, and kernels that take other arguments than they are launched with.
Status check_ptx(const ArtifactSpec& spec, std::span<const std::byte> code) {
  // The driver takes other forms than text as well, and believes the sizes that they say they have.
  const auto is_text = [](std::byte byte) {
    const auto c = static_cast<unsigned char>(byte);
    return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\t';
  };
  if (code.empty() || code.back() != std::byte{0} || !std::all_of(code.begin(), code.end() - 1, is_text))
    return data_loss("its code is no PTX");
  // It reads as many arguments as the text of a kernel has, whatever it is given.
  const std::string_view text(reinterpret_cast<const char*>(code.data()), code.size() - 1);
  for (const Kernel& kernel : spec.kernels) {
    const std::string_view own =
        text.substr(kernel.code_offset, kernel.code_bytes); // inside: checked by the reader
    const std::string head = concat(".visible .entry ", kernel.name, "(");
    std::size_t parameters = 0;
    const std::string_view list = own.substr(0, std::min(own.find(')'), own.size()));
    for (std::size_t at = list.find(".param"); at != list.npos; at = list.find(".param", at + 1))
      ++parameters;
    const std::size_t given =
        kernel.shapes.empty() ? kRuntimeKernelArguments : kernel.shapes.front().operands.size();
    const bool same = std::all_of(kernel.shapes.begin(), kernel.shapes.end(),
                                  [&](const LaunchShape& shape) { return shape.operands.size() == given; });
    if (!own.starts_with(head) || !same || parameters != given || own.find(".entry", head.size()) != own.npos)
      return data_loss("kernel '", kernel.name, "' is launched with ", given, " arguments, its code takes ",
                       parameters);
  }
  return {};
}

} // namespace

Result<std::unique_ptr<CudaExecutor>> CudaExecutor::create(std::shared_ptr<const Artifact> artifact,
                                                           const ExecutorOptions& options) {
  const Target& target = artifact->spec().target;
  if (target.backend != "cuda")
    return incompatible("'", artifact->spec().name, "' is compiled for target '", target.backend, ":",
                        target.name, "', which is none for a GPU");
  std::unique_ptr<CudaExecutor> executor(new CudaExecutor(std::move(artifact), options));
  const std::string what = concat("'", executor->spec().name, "' for target 'cuda:", target.name, "'");
  TAILOR_RETURN_IF_ERROR(check_ptx(executor->spec(), executor->artifact_->section(kCodeSection)), what);
  TAILOR_ASSIGN_OR_RETURN(executor->driver_, CudaDriver::open(), what);
  TAILOR_RETURN_IF_ERROR(executor->start_device(), what);
  TAILOR_RETURN_IF_ERROR_AS_IS(executor->allocate(kPageBytes));
  TAILOR_RETURN_IF_ERROR(executor->allocate_device(), what);
  TAILOR_RETURN_IF_ERROR(executor->load_code(), what);
  TAILOR_RETURN_IF_ERROR(executor->load_plans(), what);
  executor->lists_.resize(executor->spec().entries.size());
  for (std::size_t e = 0; e < executor->lists_.size(); ++e) {
    const Entry& entry = executor->spec().entries[e];
    executor->lists_[e].resize(entry.variants.size());
    for (std::size_t v = 0; v < entry.variants.size(); ++v)
      TAILOR_RETURN_IF_ERROR(executor->prepare_list(entry.variants[v], executor->lists_[e][v]),
                             concat("entry '", entry.name, "'"));
  }
  return executor;
}

CudaExecutor::~CudaExecutor() {
  if (!context_) return;
  // Whatever fails here has failed before, and was said then.
  driver_->ctx_set_current(context_);
  if (stream_) driver_->stream_synchronize(stream_);
  for (const std::vector<CommandList>& entry : lists_)
    for (const CommandList& list : entry)
      if (list.graph) driver_->graph_exec_destroy(list.graph);
  for (void* host : registered_)
    driver_->mem_host_unregister(host);
  calls_.clear();
  if (cudnn_handle_) cudnn_->destroy(cudnn_handle_);
  if (workspace_) driver_->mem_free(workspace_);
  if (memory_) driver_->mem_free(memory_);
  if (module_) driver_->module_unload(module_);
  if (stream_) driver_->stream_destroy(stream_);
  driver_->primary_ctx_release(device_);
}

Status CudaExecutor::start_device() {
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->device_get(&device_, 0), "taking device 0"));
  char name[256] = {};
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->device_get_name(name, sizeof(name) - 1, device_), "naming device 0"));
  device_name_ = name;
  int major = 0, minor = 0;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->device_get_attribute(&major, CudaDriver::kComputeCapabilityMajor, device_),
                     "asking device 0"));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->device_get_attribute(&minor, CudaDriver::kComputeCapabilityMinor, device_),
                     "asking device 0"));
  // The driver turns PTX into code of its device and of later ones.
  const std::string& target = spec().target.name;
  int wanted = 0;
  const auto [end, error] = std::from_chars(target.data() + std::min<std::size_t>(3, target.size()),
                                            target.data() + target.size(), wanted);
  if (!target.starts_with("sm_") || error != std::errc() || end != target.data() + target.size())
    return incompatible("'", target, "' is no architecture of a GPU");
  if (major * 10 + minor < wanted)
    return incompatible("device '", device_name_, "' is sm_", major * 10 + minor, ", which is older")
        .with_hint(major >= 8 ? "compile it with --target cuda:sm_80"
                              : "the oldest that programs are compiled for is sm_80");
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->primary_ctx_retain(&context_, device_), "starting the device"));
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->ctx_set_current(context_), "starting the device"));
  return driver_->check(driver_->stream_create(&stream_, CudaDriver::kStreamNonBlocking), "making a stream");
}

Status CudaExecutor::load_code() {
  const std::span<const std::byte> code = artifact_->section(kCodeSection);
  std::string log(8192, '\0');
  int options[] = {CudaDriver::kJitErrorLogBuffer, CudaDriver::kJitErrorLogBytes};
  void* values[] = {log.data(), reinterpret_cast<void*>(static_cast<std::uintptr_t>(log.size() - 1))};
  const CudaDriver::Error error = driver_->module_load_data_ex(&module_, code.data(), 2, options, values);
  log.resize(std::min(log.find('\0'), log.size()));
  TAILOR_RETURN_IF_ERROR(driver_->check(error, "loading the code"), log.empty() ? "device code" : log);
  for (const Kernel& kernel : spec().kernels)
    TAILOR_RETURN_IF_ERROR_AS_IS(
        driver_->check(driver_->module_get_function(&kernels_.emplace_back(), module_, kernel.name.c_str()),
                       concat("finding kernel '", kernel.name, "'").c_str()));
  return {};
}

Status CudaExecutor::load_plans() {
  if (spec().library_plans.empty()) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(cudnn_, CudnnLibrary::open());
  TAILOR_RETURN_IF_ERROR_AS_IS(cudnn_->check(cudnn_->create(&cudnn_handle_), "starting cuDNN"));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      cudnn_->check(cudnn_->set_stream(cudnn_handle_, stream_), "giving cuDNN the stream"));
  const std::string here = concat(cudnn_->version());
  std::optional<CudnnDevice> device;
  std::size_t made_anew = 0;
  std::string reason;                // of the first
  std::uint64_t workspace_bytes = 0; // beside the arena
  for (const LibraryPlan& plan : spec().library_plans) {
    Status refused;
    if (plan.version == here) {
      Result<CudnnCall> loaded = CudnnCall::load(*cudnn_, cudnn_handle_, plan);
      if (loaded.ok()) {
        calls_.push_back(std::move(*loaded));
        continue;
      }
      refused = loaded.status();
    } else {
      refused = incompatible("it was made for version ", plan.version, ", here is ", here);
    }
    // cuDNN holds a plan to its version, to the driver's and to many a property of the device; the problem is for all of them.
    if (refused.code() == StatusCode::kResourceExhausted) return without_plan(plan, here, refused);
    if (made_anew++ == 0) reason = refused.message();
    if (!device) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(CudnnDevice present, CudnnDevice::present(*cudnn_, cudnn_handle_));
      device.emplace(std::move(present));
    }
    const Result<ChosenPlan> chosen =
        plan_convolution(*cudnn_, plan.convolution, *device, most_workspace_of(plan.convolution));
    if (!chosen.ok()) return without_plan(plan, here, chosen.status());
    Result<CudnnCall> call = CudnnCall::load(*cudnn_, cudnn_handle_, chosen->plan);
    if (!call.ok()) return without_plan(plan, here, call.status());
    if (chosen->plan.workspace_bytes > plan.workspace_bytes) { // more than the program has planned
      needs_workspace_.push_back(static_cast<std::int32_t>(calls_.size()));
      workspace_bytes = std::max(workspace_bytes, chosen->plan.workspace_bytes);
    }
    calls_.push_back(std::move(*call));
  }
  if (workspace_bytes > 0)
    TAILOR_RETURN_IF_ERROR_AS_IS(
        driver_->check(driver_->mem_alloc(&workspace_, workspace_bytes),
                       concat("allocating ", workspace_bytes, " bytes for plans of cuDNN").c_str()));
  if (made_anew > 0)
    log_warning(concat(made_anew, " of ", calls_.size(),
                       " plans of cuDNN are made anew, and results may differ in their last bits: ", reason));
  return {};
}

Status CudaExecutor::map_host(std::span<std::byte> host, Address& device) {
  if (host.empty()) return {};
  constexpr unsigned kFlags = CudaDriver::kHostRegisterPortable | CudaDriver::kHostRegisterDeviceMap;
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->mem_host_register(host.data(), host.size(), kFlags),
                                              concat("pinning ", host.size(), " bytes").c_str()));
  registered_.push_back(host.data());
  return driver_->check(driver_->mem_host_get_device_pointer(&device, host.data(), 0), "mapping host memory");
}

Status CudaExecutor::allocate_device() {
  const MemorySizes& memory = spec().memory;
  const std::span<const std::byte> constants = artifact_->section(kConstantSection);
  std::uint64_t total = 0;
  const auto part = [&](std::uint64_t bytes) { // sizes of a verified spec: the sum cannot wrap
    const std::uint64_t offset = total;
    total += align_up(std::max<std::uint64_t>(bytes, 1), kPartAlignment);
    return offset;
  };
  const std::uint64_t state = part(memory.state), arena = part(memory.arena),
                      constant = part(constants.size()), control = part(memory.control),
                      metrics = part(memory.metrics), counters = part(2 * sizeof(std::int64_t));
  std::size_t free = 0, all = 0;
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->mem_get_info(&free, &all), "asking for free memory"));
  if (total > free)
    return resource_exhausted("it needs ", total, " bytes of device memory, ", free, " of ", all,
                              " are free on '", device_name_, "'")
        .with_hint(kWayOut);
  if (Status allocated = driver_->check(driver_->mem_alloc(&memory_, total),
                                        concat("allocating ", total, " bytes of device memory").c_str());
      !allocated.ok())
    return std::move(allocated).with_hint(kWayOut);
  state_ = memory_ + state, arena_ = memory_ + arena, constants_ = memory_ + constant;
  control_ = memory_ + control, metrics_ = memory_ + metrics, counters_ = memory_ + counters;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->memset_d8_async(memory_, 0, total, stream_), "clearing device memory"));
  if (!constants.empty()) TAILOR_RETURN_IF_ERROR_AS_IS(send(constants_, constants, "copying constants"));
  TAILOR_RETURN_IF_ERROR_AS_IS(map_host(control_ring_bytes(), control_ring_device_));
  TAILOR_RETURN_IF_ERROR_AS_IS(map_host(metrics_ring_bytes(), metrics_ring_device_));
  return map_host(slot_bytes(), slots_device_);
}

CudaExecutor::Address CudaExecutor::space(Space space) const {
  switch (space) {
  case Space::kState:
    return state_;
  case Space::kArena:
    return arena_;
  case Space::kControl:
    return control_;
  case Space::kMetrics:
    return metrics_;
  case Space::kConstant:
    return constants_;
  case Space::kSlot:
    return 0; // differs from step to step: only read_slot resolves it
  }
  return 0;
}

Status CudaExecutor::prepare_copy_kernel(std::string_view name, std::uint64_t bytes,
                                         std::vector<std::uint64_t> arguments, Prepared& prepared) {
  const auto found = std::find_if(spec().kernels.begin(), spec().kernels.end(),
                                  [&](const Kernel& kernel) { return kernel.name == name; });
  if (found == spec().kernels.end() || found->threads != kRuntimeKernelThreads)
    return incompatible("its code has no '", name, "' of ", kRuntimeKernelThreads, " threads");
  prepared.function = kernels_[static_cast<std::size_t>(found - spec().kernels.begin())];
  prepared.threads = kRuntimeKernelThreads;
  const std::uint64_t blocks = bytes / (sizeof(std::uint32_t) * kRuntimeKernelThreads);
  prepared.blocks = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(blocks, 1, kMostCopyBlocks));
  prepared.arguments = std::move(arguments);
  return {};
}

Status CudaExecutor::prepare_list(const Variant& variant, CommandList& list) {
  if (variant.commands.empty())
    return incompatible("there are no commands for batch ", variant.batch, ": the program was not lowered");
  const auto at = [&](const Operand& operand) { return space(operand.space) + operand.offset; };
  for (const Command& command : variant.commands) {
    Prepared& prepared = list.commands.emplace_back();
    prepared.kind = command.kind;
    prepared.name = to_string(command.kind);
    switch (command.kind) {
    case CommandKind::kLaunch: {
      const Kernel& kernel = spec().kernels[static_cast<std::size_t>(command.kernel)];
      prepared.function = kernels_[static_cast<std::size_t>(command.kernel)];
      prepared.name = concat("kernel '", kernel.name, "'");
      prepared.blocks = kernel.blocks;
      prepared.threads = kernel.threads;
      for (const Operand& operand : command.operands)
        prepared.arguments.push_back(at(operand));
      break;
    }
    case CommandKind::kBeginStep:
      // One block: a row is small, and its threads read a counter that no other block may change meanwhile.
      TAILOR_RETURN_IF_ERROR_AS_IS(
          prepare_copy_kernel(kBeginStepKernel, 0,
                              {control_, control_ring_device_, counters_, options_.ring_length,
                               control_stride_, spec().memory.control_host},
                              prepared));
      break;
    case CommandKind::kFinishStep:
      TAILOR_RETURN_IF_ERROR_AS_IS(
          prepare_copy_kernel(kFinishStepKernel, 0,
                              {metrics_, metrics_ring_device_, counters_, options_.ring_length,
                               metrics_stride_, spec().memory.metrics},
                              prepared));
      break;
    case CommandKind::kReadSlot: {
      const std::int32_t slot = find_control(spec(), "slot");
      if (slot < 0) return incompatible("it reads a batch slot, and no control field says which");
      const std::uint64_t number = control_ + spec().control[static_cast<std::size_t>(slot)].offset;
      const Operand &from = command.operands[0], &to = command.operands[1];
      TAILOR_RETURN_IF_ERROR_AS_IS(prepare_copy_kernel(
          kReadSlotKernel, to.bytes, {at(to), slots_device_, number, slot_stride_, from.offset, to.bytes},
          prepared));
      break;
    }
    case CommandKind::kCopy:
      prepared.source = at(command.operands[0]);
      prepared.destination = at(command.operands[1]);
      prepared.bytes = command.operands[1].bytes;
      break;
    case CommandKind::kFill:
      prepared.destination = at(command.operands[0]);
      prepared.bytes = command.operands[0].bytes;
      prepared.fill_word = command.fill_word;
      break;
    case CommandKind::kRepeat:
      return unimplemented("it repeats commands, which is not for a graph yet");
    case CommandKind::kLibrary: {
      const LibraryPlan& plan = spec().library_plans[static_cast<std::size_t>(command.plan)];
      prepared.name = concat(plan.library, " (", words_of(plan.convolution), ")");
      prepared.call = &calls_[static_cast<std::size_t>(command.plan)];
      for (const Operand& operand : command.operands)
        prepared.arguments.push_back(operand.bytes > 0 ? at(operand) : 0);
      if (std::find(needs_workspace_.begin(), needs_workspace_.end(), command.plan) != needs_workspace_.end())
        prepared.arguments[static_cast<std::size_t>(ConvOperand::kWorkspace)] = workspace_;
      break;
    }
    }
  }
  return {};
}

Status CudaExecutor::issue(const Prepared& command) {
  switch (command.kind) {
  case CommandKind::kCopy:
    if (command.bytes == 0) return {}; // which a graph would not take
    return driver_->check(
        driver_->memcpy_dtod_async(command.destination, command.source, command.bytes, stream_), "copying");
  case CommandKind::kFill:
    if (command.bytes < 4) return {};
    return driver_->check(
        driver_->memset_d32_async(command.destination, command.fill_word, command.bytes / 4, stream_),
        "filling");
  case CommandKind::kLibrary: {
    std::array<void*, kNumConvOperands> pointers{};
    for (std::size_t i = 0; i < pointers.size(); ++i)
      pointers[i] = reinterpret_cast<void*>(command.arguments[i]);
    TAILOR_RETURN_IF_ERROR(command.call->enqueue(pointers), command.name);
    return {};
  }
  default: {
    std::vector<void*> arguments;
    for (const std::uint64_t& argument : command.arguments)
      arguments.push_back(const_cast<std::uint64_t*>(&argument));
    return driver_->check(driver_->launch_kernel(command.function, command.blocks, 1, 1, command.threads, 1,
                                                 1, 0, stream_, arguments.data(), nullptr),
                          concat("launching ", command.name).c_str());
  }
  }
}

Status CudaExecutor::capture(CommandList& list) {
  // A library loads the code of an engine with its first call, which the stricter mode would take for a fault.
  const int mode = calls_.empty() ? CudaDriver::kCaptureThreadLocal : CudaDriver::kCaptureRelaxed;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->stream_begin_capture(stream_, mode), "beginning to capture a step"));
  Status issued;
  for (const Prepared& command : list.commands)
    if (issued.ok()) issued = issue(command);
  CudaDriver::GraphHandle* graph = nullptr;
  const Status ended = driver_->check(driver_->stream_end_capture(stream_, &graph), "capturing a step");
  Status made = !issued.ok() ? issued : ended;
  if (made.ok())
    made = driver_->check(driver_->graph_instantiate(&list.graph, graph, 0), "making the graph of a step");
  if (graph) driver_->graph_destroy(graph);
  return made;
}

Status CudaExecutor::run_observed(VariantId id, const CommandList& list) {
  const Variant& variant =
      spec().entries[static_cast<std::size_t>(id.entry)].variants[static_cast<std::size_t>(id.variant)];
  for (std::size_t i = 0; i < list.commands.size(); ++i) {
    const Prepared& command = list.commands[i];
    const ObservedCommand observed{id, i, &variant.commands[i]};
    fetched_.clear();
    if (observer_.begin) observer_.begin(observed);
    TAILOR_RETURN_IF_ERROR_AS_IS(issue(command));
    TAILOR_RETURN_IF_ERROR_AS_IS(wait(concat("running ", command.name).c_str()));
    if (observer_.end) TAILOR_RETURN_IF_ERROR_AS_IS(observer_.end(observed));
  }
  return {};
}

Status CudaExecutor::run(VariantId id, std::uint32_t num_steps) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_run(id, num_steps));
  if (failed_) return incompatible("the device failed in an earlier step");
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->ctx_set_current(context_), "taking the device"));
  fetched_.clear();
  Status done = run_steps(id, num_steps);
  if (done.ok()) return done;
  // Steps that were launched may read slots still, and have counted on the device what was not counted here.
  driver_->stream_synchronize(stream_);
  failed_ = true;
  const bool by_device =
      done.code() == StatusCode::kIncompatible || done.code() == StatusCode::kResourceExhausted;
  if (!by_device) return done; // an observer's word
  return std::move(done).with_hint("what was checkpointed stands: --resume goes on from there and starts the "
                                   "device anew; --trap-nonfinite "
                                   "runs one command at a time and names the one that fails");
}

Status CudaExecutor::run_steps(VariantId id, std::uint32_t num_steps) {
  CommandList& list = lists_[static_cast<std::size_t>(id.entry)][static_cast<std::size_t>(id.variant)];
  TAILOR_RETURN_IF_ERROR_AS_IS(send_device_control());
  if (observer_.begin || observer_.end) {
    for (std::uint32_t step = 0; step < num_steps; ++step) {
      TAILOR_RETURN_IF_ERROR_AS_IS(run_observed(id, list));
      ++counter_;
    }
  } else {
    if (!list.graph) TAILOR_RETURN_IF_ERROR_AS_IS(capture(list));
    for (std::uint32_t step = 0; step < num_steps; ++step)
      TAILOR_RETURN_IF_ERROR_AS_IS(
          driver_->check(driver_->graph_launch(list.graph, stream_), "launching a step"));
    TAILOR_RETURN_IF_ERROR_AS_IS(wait(kRunning));
    counter_ += num_steps;
  }
  return fetch_device_control();
}

Status CudaExecutor::wait(const char* what) const {
  return driver_->check(driver_->stream_synchronize(stream_), what);
}

Status CudaExecutor::send(Address to, std::span<const std::byte> bytes, const char* what) {
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->memcpy_htod_async(to, bytes.data(), bytes.size(), stream_), what));
  return wait(what);
}

Status CudaExecutor::receive(std::span<std::byte> bytes, Address from, const char* what) const {
  TAILOR_RETURN_IF_ERROR_AS_IS(
      driver_->check(driver_->memcpy_dtoh_async(bytes.data(), from, bytes.size(), stream_), what));
  return wait(what);
}

Status CudaExecutor::send_device_control() {
  const std::span<std::byte> control = device_control();
  if (control.empty()) return {};
  return send(control_ + spec().memory.control_host, control, "sending the control row");
}

Status CudaExecutor::fetch_device_control() {
  const std::span<std::byte> control = device_control();
  if (control.empty()) return {};
  return receive(control, control_ + spec().memory.control_host, "fetching the control row");
}

Status CudaExecutor::initialise(std::uint64_t seed, std::span<const std::int32_t> groups) {
  std::vector<std::byte> value;
  for (std::size_t i = 0; i < spec().states.size(); ++i) {
    const State& state = spec().states[i];
    if (!groups.empty() && std::find(groups.begin(), groups.end(), state.group) == groups.end()) continue;
    if (state.init.kind == InitKind::kCopyOf) {
      TAILOR_RETURN_IF_ERROR_AS_IS(copy_state(state.init.source_state, static_cast<std::int32_t>(i)));
      continue;
    }
    value.assign(state.bytes, std::byte{});
    write_initial_value(spec(), state, seed, value);
    TAILOR_RETURN_IF_ERROR_AS_IS(write_state(static_cast<std::int32_t>(i), value));
  }
  if (groups.empty()) initialise_device_control();
  return {};
}

Status CudaExecutor::read_state(std::int32_t index, std::span<std::byte> destination) const {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_state(index, destination.size()));
  if (destination.empty()) return {};
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->ctx_set_current(context_), "taking the device"));
  const State& state = spec().states[static_cast<std::size_t>(index)];
  return receive(destination, state_ + state.offset, concat("reading state '", state.name, "'").c_str());
}

Status CudaExecutor::write_state(std::int32_t index, std::span<const std::byte> source) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_state(index, source.size()));
  if (source.empty()) return {};
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->ctx_set_current(context_), "taking the device"));
  const State& state = spec().states[static_cast<std::size_t>(index)];
  return send(state_ + state.offset, source, concat("writing state '", state.name, "'").c_str());
}

Status CudaExecutor::copy_state(std::int32_t from, std::int32_t to) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_copy(from, to));
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->ctx_set_current(context_), "taking the device"));
  const State& source = spec().states[static_cast<std::size_t>(from)];
  const State& target = spec().states[static_cast<std::size_t>(to)];
  if (source.bytes == 0) return {};
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(
      driver_->memcpy_dtod_async(state_ + target.offset, state_ + source.offset, source.bytes, stream_),
      concat("copying state '", source.name, "'").c_str()));
  return wait("copying state");
}

Result<std::span<const std::byte>> CudaExecutor::fetch(Address from, std::uint64_t bytes) const {
  TAILOR_RETURN_IF_ERROR_AS_IS(driver_->check(driver_->ctx_set_current(context_), "taking the device"));
  std::byte* host =
      fetched_.emplace_back(std::make_unique<std::byte[]>(std::max<std::uint64_t>(bytes, 1))).get();
  if (bytes > 0) TAILOR_RETURN_IF_ERROR_AS_IS(receive({host, bytes}, from, "reading device memory"));
  return std::span<const std::byte>(host, bytes);
}

Result<std::span<const std::byte>> CudaExecutor::read_output(VariantId id, std::int32_t output) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_run(id, 0));
  const Variant& variant =
      spec().entries[static_cast<std::size_t>(id.entry)].variants[static_cast<std::size_t>(id.variant)];
  if (output < 0 || static_cast<std::size_t>(output) >= variant.outputs.size())
    return internal_error("no output ", output, " of ", variant.outputs.size());
  return read_operand(variant.outputs[static_cast<std::size_t>(output)].place);
}

Status CudaExecutor::set_observer(Observer observer) {
  observer_ = std::move(observer);
  return {};
}

Result<std::span<const std::byte>> CudaExecutor::read_operand(const Operand& operand) const {
  if (operand.space == Space::kSlot)
    return internal_error("batch slots are not operands of finished commands");
  return fetch(space(operand.space) + operand.offset, operand.bytes);
}

} // namespace tailor::runtime
