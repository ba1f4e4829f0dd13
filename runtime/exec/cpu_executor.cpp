#include "runtime/exec/cpu_executor.h"

#include "runtime/artifact/layout.h"
#include "runtime/device/cpu_features.h"
#include "runtime/exec/init.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// Pointer tables of one command list; far above any real program (2 GiB).
constexpr std::uint64_t kMaxTableEntries = std::uint64_t{1} << 28;

} // namespace

Result<std::unique_ptr<CpuExecutor>> CpuExecutor::create(std::shared_ptr<const Artifact> artifact,
                                                         const ExecutorOptions& options) {
  const Target& target = artifact->spec().target;
  if (target.backend != "cpu")
    return incompatible("'", artifact->spec().name, "' is compiled for target '", target.backend, ":",
                        target.name, "', which this runtime does not execute");
  TAILOR_RETURN_IF_ERROR(
      check_host_features(target.features),
      concat("'", artifact->spec().name, "' is compiled for target 'cpu:", target.name, "'"));
  std::uint64_t checksum = 0;
  for (const SectionView& section : artifact->sections())
    if (section.name == kCodeSection) checksum = section.checksum;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(CodeMemory code, CodeMemory::load(artifact->section(kCodeSection), checksum));
  std::vector<KernelFunction> kernels;
  for (const Kernel& kernel : artifact->spec().kernels)
    kernels.push_back(reinterpret_cast<KernelFunction>(const_cast<std::byte*>(
        code.base() + kernel.code_offset))); // inside the section: checked by the reader
  std::unique_ptr<CpuExecutor> executor(new CpuExecutor(std::move(artifact), options));
  executor->code_ = std::move(code);
  TAILOR_RETURN_IF_ERROR_AS_IS(executor->prepare(std::move(kernels)));
  return executor;
}

Result<std::unique_ptr<CpuExecutor>>
CpuExecutor::create_with_kernels(std::shared_ptr<const Artifact> artifact, const ExecutorOptions& options,
                                 std::vector<KernelFunction> kernels) {
  if (kernels.size() != artifact->spec().kernels.size())
    return internal_error(kernels.size(), " functions for ", artifact->spec().kernels.size(), " kernels");
  std::unique_ptr<CpuExecutor> executor(new CpuExecutor(std::move(artifact), options));
  TAILOR_RETURN_IF_ERROR_AS_IS(executor->prepare(std::move(kernels)));
  return executor;
}

Status CpuExecutor::prepare(std::vector<KernelFunction> kernels) {
  TAILOR_RETURN_IF_ERROR_AS_IS(allocate());
  kernels_ = std::move(kernels);
  pool_ = std::make_unique<Pool>(options_.num_threads);

  scratch_stride_ = scratch_bytes_per_worker(spec());
  const MemorySizes& memory = spec().memory;
  state_ = allocate_zeroed(memory.state, kPageBytes);
  arena_ = allocate_zeroed(memory.arena, kPageBytes);
  scratch_ = allocate_zeroed(scratch_stride_ * static_cast<std::uint64_t>(pool_->num_threads()));
  // A copy, so that a file cut short later cannot fault a running step.
  const std::span<const std::byte> constants = artifact_->section(kConstantSection);
  constants_ = allocate_zeroed(constants.size(), kPageBytes);
  if (!state_ || !arena_ || !scratch_ || !constants_)
    return resource_exhausted("no memory for ", memory.state, " bytes of state, ", memory.arena,
                              " of arena and ", scratch_stride_, " of scratch per thread");
  if (!constants.empty()) std::memcpy(constants_.get(), constants.data(), constants.size());
  if (const std::int32_t slot = find_control(spec(), "slot"); slot >= 0)
    slot_field_ = spec().control[static_cast<std::size_t>(slot)].offset;

  lists_.resize(spec().entries.size());
  for (std::size_t e = 0; e < lists_.size(); ++e) {
    const Entry& entry = spec().entries[e];
    lists_[e].resize(entry.variants.size());
    for (std::size_t v = 0; v < entry.variants.size(); ++v)
      TAILOR_RETURN_IF_ERROR(prepare_list(entry.variants[v], lists_[e][v]),
                             concat("entry '", entry.name, "'"));
  }
  return {};
}

std::byte* CpuExecutor::space(Space space) const {
  switch (space) {
  case Space::kState:
    return state_.get();
  case Space::kArena:
    return arena_.get();
  case Space::kControl:
    return control_row_.get();
  case Space::kMetrics:
    return metrics_row_.get();
  case Space::kConstant:
    return constants_.get();
  case Space::kSlot:
    return nullptr; // differs from step to step: only read_slot resolves it
  }
  return nullptr;
}

Status CpuExecutor::prepare_list(const Variant& variant, CommandList& list) {
  if (variant.commands.empty())
    return incompatible("there are no commands for batch ", variant.batch, ": the program was not lowered");
  std::uint64_t entries = 0;
  for (const Command& command : variant.commands) {
    if (command.kind != CommandKind::kLaunch) continue;
    entries += (command.operands.size() + 1) * std::uint64_t{command.num_chunks} *
               static_cast<std::uint64_t>(pool_->num_threads());
    if (entries > kMaxTableEntries) return invalid_argument("the operand tables would pass 2 GiB");
  }
  list.pointers.reserve(entries); // prepare_launch keeps addresses into it
  list.commands.reserve(variant.commands.size());
  for (const Command& command : variant.commands) {
    Prepared prepared;
    prepared.kind = command.kind;
    switch (command.kind) {
    case CommandKind::kLaunch:
      TAILOR_RETURN_IF_ERROR_AS_IS(prepare_launch(command, prepared, list));
      break;
    case CommandKind::kReadSlot:
    case CommandKind::kCopy:
      if (command.kind == CommandKind::kReadSlot)
        prepared.slot_offset = command.operands[0].offset;
      else
        prepared.source = space(command.operands[0].space) + command.operands[0].offset;
      prepared.destination = space(command.operands[1].space) + command.operands[1].offset;
      prepared.bytes = command.operands[1].bytes;
      break;
    case CommandKind::kFill:
      prepared.destination = space(command.operands[0].space) + command.operands[0].offset;
      prepared.bytes = command.operands[0].bytes;
      prepared.fill_word = command.fill_word;
      break;
    case CommandKind::kRepeat:
      prepared.count = command.count;
      prepared.body_length = command.body_length;
      break;
    case CommandKind::kLibrary:
      return unimplemented("library '", spec().library_plans[static_cast<std::size_t>(command.plan)].library,
                           "' is not part of this runtime");
    case CommandKind::kBeginStep:
    case CommandKind::kFinishStep:
      break;
    }
    list.commands.push_back(prepared);
  }
  return {};
}

Status CpuExecutor::prepare_launch(const Command& command, Prepared& prepared, CommandList& list) {
  const Kernel& kernel = spec().kernels[static_cast<std::size_t>(command.kernel)];
  prepared.function = kernels_[static_cast<std::size_t>(command.kernel)];
  prepared.sizes = command.sizes.data();
  prepared.num_units = command.num_units;
  prepared.num_chunks = command.num_chunks;

  const bool per_chunk =
      command.num_chunks > 1 && std::any_of(command.operands.begin(), command.operands.end(),
                                            [](const Operand& operand) { return operand.chunk_stride != 0; });
  const bool per_worker = command.num_chunks > 1 && kernel.scratch_bytes > 0;
  const auto width = static_cast<std::uint32_t>(command.operands.size() + (kernel.scratch_bytes > 0 ? 1 : 0));
  const std::uint32_t chunks = per_chunk ? command.num_chunks : 1;
  const std::uint32_t workers = per_worker ? static_cast<std::uint32_t>(pool_->num_threads()) : 1;
  prepared.chunk_pitch = per_chunk ? width : 0;
  prepared.worker_pitch = per_worker ? width * chunks : 0;

  prepared.buffers = list.pointers.data() + list.pointers.size();
  for (std::uint32_t worker = 0; worker < workers; ++worker)
    for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
      for (const Operand& operand : command.operands)
        list.pointers.push_back(space(operand.space) + operand.offset + chunk * operand.chunk_stride);
      if (kernel.scratch_bytes > 0) list.pointers.push_back(scratch_.get() + worker * scratch_stride_);
    }
  return {};
}

void CpuExecutor::run_chunks(void* context, std::uint32_t first, std::uint32_t last, std::uint32_t worker) {
  const auto& command = *static_cast<const Prepared*>(context);
  auto run = [&](std::uint32_t from, std::uint32_t to) {
    void* const* buffers = command.buffers + std::size_t{from} * command.chunk_pitch +
                           std::size_t{worker} * command.worker_pitch;
    command.function(buffers, command.sizes, chunk_begin(command.num_units, command.num_chunks, from),
                     chunk_begin(command.num_units, command.num_chunks, to));
  };
  if (command.chunk_pitch == 0) {
    // A kernel that is called for all units may take the launch for one without chunks, and finish what another
    // command is to finish (runtime/kernels/abi.h).
    const std::uint32_t middle = first == 0 && last == command.num_chunks ? last / 2 : first;
    if (middle > first) run(first, middle);
    return run(middle, last);
  }
  for (std::uint32_t chunk = first; chunk < last; ++chunk) // each has operands of its own
    run(chunk, chunk + 1);
}

void CpuExecutor::execute_one(const Prepared& command) {
  switch (command.kind) {
  case CommandKind::kLaunch:
    if (command.num_chunks == 1)
      command.function(command.buffers, command.sizes, 0, command.num_units);
    else
      pool_->run(command.num_chunks, run_chunks, const_cast<Prepared*>(&command));
    return;
  case CommandKind::kReadSlot: {
    std::int32_t index = 0;
    std::memcpy(&index, control_row_.get() + slot_field_, sizeof(index)); // checked by check_run
    std::memcpy(command.destination, slot(static_cast<std::uint32_t>(index)) + command.slot_offset,
                command.bytes);
    return;
  }
  case CommandKind::kCopy:
    std::memmove(command.destination, command.source, command.bytes);
    return;
  case CommandKind::kFill:
    std::fill_n(reinterpret_cast<std::uint32_t*>(command.destination), command.bytes / 4, command.fill_word);
    return;
  case CommandKind::kBeginStep:
    return begin_step();
  case CommandKind::kFinishStep:
    return finish_step();
  case CommandKind::kRepeat:
  case CommandKind::kLibrary:
    return; // repeat: by execute(); library: refused by prepare_list()
  }
}

void CpuExecutor::execute(const Prepared* commands, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Prepared& command = commands[i];
    if (command.kind != CommandKind::kRepeat) {
      execute_one(command);
      continue;
    }
    for (std::uint32_t pass = 0; pass < command.count; ++pass)
      execute(&command + 1, command.body_length);
    i += command.body_length;
  }
}

Status CpuExecutor::execute_observed(VariantId id, std::size_t begin, std::size_t end) {
  const Variant& variant =
      spec().entries[static_cast<std::size_t>(id.entry)].variants[static_cast<std::size_t>(id.variant)];
  const CommandList& list = lists_[static_cast<std::size_t>(id.entry)][static_cast<std::size_t>(id.variant)];
  for (std::size_t i = begin; i < end; ++i) {
    const Prepared& command = list.commands[i];
    if (command.kind == CommandKind::kRepeat) {
      for (std::uint32_t pass = 0; pass < command.count; ++pass)
        TAILOR_RETURN_IF_ERROR_AS_IS(execute_observed(id, i + 1, i + 1 + command.body_length));
      i += command.body_length;
      continue;
    }
    const ObservedCommand observed{id, i, &variant.commands[i]};
    if (observer_.begin) observer_.begin(observed);
    execute_one(command);
    if (observer_.end) TAILOR_RETURN_IF_ERROR_AS_IS(observer_.end(observed));
  }
  return {};
}

Status CpuExecutor::run(VariantId id, std::uint32_t num_steps) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_run(id, num_steps));
  const CommandList& list = lists_[static_cast<std::size_t>(id.entry)][static_cast<std::size_t>(id.variant)];
  for (std::uint32_t step = 0; step < num_steps; ++step) {
    if (observer_.begin || observer_.end)
      TAILOR_RETURN_IF_ERROR_AS_IS(execute_observed(id, 0, list.commands.size()));
    else
      execute(list.commands.data(), list.commands.size());
  }
  return {};
}

Status CpuExecutor::initialise(std::uint64_t seed, std::span<const std::int32_t> groups) {
  for (const State& state : spec().states) {
    if (!groups.empty() && std::find(groups.begin(), groups.end(), state.group) == groups.end()) continue;
    std::byte* place = state_.get() + state.offset;
    if (state.init.kind == InitKind::kCopyOf)
      std::memcpy(place,
                  state_.get() + spec().states[static_cast<std::size_t>(state.init.source_state)].offset,
                  state.bytes);
    else
      write_initial_value(spec(), state, seed, {place, state.bytes});
  }
  if (groups.empty()) initialise_device_control();
  return {};
}

Status CpuExecutor::read_state(std::int32_t index, std::span<std::byte> destination) const {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_state(index, destination.size()));
  const State& state = spec().states[static_cast<std::size_t>(index)];
  if (!destination.empty()) std::memcpy(destination.data(), state_.get() + state.offset, state.bytes);
  return {};
}

Status CpuExecutor::write_state(std::int32_t index, std::span<const std::byte> source) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_state(index, source.size()));
  const State& state = spec().states[static_cast<std::size_t>(index)];
  if (!source.empty()) std::memcpy(state_.get() + state.offset, source.data(), state.bytes);
  return {};
}

Status CpuExecutor::copy_state(std::int32_t from, std::int32_t to) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_copy(from, to));
  const State& source = spec().states[static_cast<std::size_t>(from)];
  const State& target = spec().states[static_cast<std::size_t>(to)];
  std::memmove(state_.get() + target.offset, state_.get() + source.offset, source.bytes);
  return {};
}

Result<std::span<const std::byte>> CpuExecutor::read_output(VariantId id, std::int32_t output) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_run(id, 0));
  const Variant& variant =
      spec().entries[static_cast<std::size_t>(id.entry)].variants[static_cast<std::size_t>(id.variant)];
  if (output < 0 || static_cast<std::size_t>(output) >= variant.outputs.size())
    return internal_error("no output ", output, " of ", variant.outputs.size());
  return read_operand(variant.outputs[static_cast<std::size_t>(output)].place);
}

Status CpuExecutor::set_observer(Observer observer) {
  observer_ = std::move(observer);
  return {};
}

Result<std::span<const std::byte>> CpuExecutor::read_operand(const Operand& operand) const {
  if (operand.space == Space::kSlot)
    return internal_error("batch slots are not operands of finished commands");
  return std::span<const std::byte>(space(operand.space) + operand.offset, operand.bytes);
}

} // namespace tailor::runtime
