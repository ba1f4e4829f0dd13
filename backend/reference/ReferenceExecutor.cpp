#include "backend/reference/ReferenceExecutor.h"

#include "backend/reference/Bytes.h"
#include "backend/reference/Evaluators.h"
#include "backend/reference/Interpreter.h"
#include "ir/ReadText.h"
#include "ir/Tailor.h"
#include "mlir/IR/AsmState.h"
#include "runtime/base/philox.h"
#include "runtime/exec/init.h"

#include <algorithm>
#include <map>
#include <set>

namespace tailor::backend::reference {

using namespace runtime;

namespace {

/// Phases the interpreter takes, the plainest first.
constexpr std::string_view kPhases[] = {"differentiated", "fused", "placed", "kernels", "planned"};

std::string stateKey(const ArtifactSpec& spec, const State& state) {
  return reference::stateKey(spec.groups[static_cast<size_t>(state.group)].name, state.name);
}

/// A field of one element is a scalar, as tailor.control_field declares it.
Shape controlShape(const ControlField& field) {
  return field.count == 1 ? Shape{} : Shape{field.count};
}

bool fits(mlir::Type type, DType dtype, const std::vector<int64_t>& shape) {
  return shapeOf(type) == shape && elementOf(type) == elementOf(dtype);
}

/// The phase to interpret and its text.
Result<std::pair<std::string, std::string_view>> findIr(const Artifact& artifact, const std::string& wanted) {
  const auto text = [&](std::string_view phase) {
    const std::span<const std::byte> bytes = artifact.section(concat(kIrSectionPrefix, phase));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (std::string_view phase : kPhases)
    if ((wanted.empty() || wanted == phase) && !text(phase).empty())
      return std::pair(std::string(phase), text(phase));
  return incompatible("'", artifact.spec().name, "' holds no IR ",
                      wanted.empty() ? std::string("after differentiation")
                                     : concat("of phase '", wanted, "'"),
                      " to interpret");
}

} // namespace

struct ReferenceExecutor::Program {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::string messages; ///< diagnostics since takeMessages()
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ir::ProgramOp op;
  std::string phase;
  std::unique_ptr<Interpreter> interpreter;
  Environment environment;
  std::map<std::pair<int32_t, int32_t>, std::vector<std::vector<std::byte>>> outputs;

  Program() {
    context.loadDialect<ir::TailorDialect>();
    context.printOpOnDiagnostic(false);
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic& diagnostic) {
      if (!messages.empty()) messages += "; ";
      llvm::raw_string_ostream stream(messages);
      if (auto place = diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
        stream << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn()
               << ": ";
      stream << diagnostic;
      return mlir::success();
    });
  }
  std::string takeMessages() { return std::exchange(messages, {}); }
  Status parse(std::string_view text);
  Status check(const ArtifactSpec& spec);
  Status checkEntry(const ArtifactSpec& spec, const Variant& variant, ir::EntryOp entry);
  Status differs(std::string_view what, std::string_view name) const;
};

Status ReferenceExecutor::Program::parse(std::string_view text) {
  module = ir::readModule({text.data(), text.size()}, phase + ".mlir", mlir::ParserConfig(&context));
  if (!module) return data_loss("the IR of phase '", phase, "' is damaged: ", takeMessages());
  auto programs = module->getOps<ir::ProgramOp>();
  if (programs.empty()) return data_loss("the IR of phase '", phase, "' holds no program");
  op = *programs.begin();
  return {};
}

Status ReferenceExecutor::Program::differs(std::string_view what, std::string_view name) const {
  return incompatible(what, " '", name, "' differs between the metadata and the IR of phase '", phase, "'");
}

/// Names, shapes and types of the metadata against those of the IR, once, so that a step need not.
Status ReferenceExecutor::Program::check(const ArtifactSpec& spec) {
  for (const State& state : spec.states) {
    const std::string& group = spec.groups[static_cast<size_t>(state.group)].name;
    auto name =
        mlir::SymbolRefAttr::get(&context, group, {mlir::FlatSymbolRefAttr::get(&context, state.name)});
    ir::StateOp declared = op.lookupState(name);
    if (!declared || !fits(declared.getTensorType(), state.dtype, state.shape))
      return differs("state", state.name);
  }
  for (const Entry& entry : spec.entries)
    for (const Variant& variant : entry.variants) {
      auto declared =
          llvm::dyn_cast_or_null<ir::EntryOp>(mlir::SymbolTable::lookupSymbolIn(op, variant.symbol));
      if (!declared) return differs("entry", variant.symbol);
      TAILOR_RETURN_IF_ERROR(checkEntry(spec, variant, declared), concat("entry '", entry.name, "'"));
    }
  return {};
}

Status ReferenceExecutor::Program::checkEntry(const ArtifactSpec& spec, const Variant& variant,
                                              ir::EntryOp entry) {
  const auto named = [](const auto& list, llvm::StringRef name) {
    return std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  };
  std::set<std::string> outputs;
  Status status;
  entry.walk([&](mlir::Operation* op) {
    if (!status.ok()) return;
    if (auto input = llvm::dyn_cast<ir::InputOp>(op)) {
      const auto field = named(variant.slot_fields, input.getInput());
      if (field == variant.slot_fields.end() || !fits(input.getType(), field->dtype, field->shape))
        status = differs("input", input.getInput().str());
    } else if (auto output = llvm::dyn_cast<ir::OutputOp>(op)) {
      const auto place = named(variant.outputs, output.getOutput());
      if (place == variant.outputs.end() || !fits(output.getValue().getType(), place->dtype, place->shape))
        status = differs("output", output.getOutput().str());
      outputs.insert(output.getOutput().str());
    } else if (auto report = llvm::dyn_cast<ir::ReportOp>(op)) {
      const int32_t metric = find_metric(spec, report.getMetric().str());
      if (metric < 0 || spec.metrics[static_cast<size_t>(metric)].count != 1)
        status = differs("metric", report.getMetric().str());
    } else if (auto read = llvm::dyn_cast<ir::ControlReadOp>(op)) {
      const int32_t index = find_control(spec, read.getField().str());
      if (index < 0 || !fits(read.getType(), spec.control[static_cast<size_t>(index)].dtype,
                             controlShape(spec.control[static_cast<size_t>(index)])))
        status = differs("control field", read.getField().str());
    }
  });
  for (const Output& output : variant.outputs)
    if (status.ok() && !outputs.contains(output.name)) status = differs("output", output.name);
  return status;
}

ReferenceExecutor::ReferenceExecutor(std::shared_ptr<const Artifact> artifact, ExecutorOptions options)
    : Executor(std::move(artifact), options), program_(std::make_unique<Program>()) {}

ReferenceExecutor::~ReferenceExecutor() = default;

Result<std::unique_ptr<ReferenceExecutor>> ReferenceExecutor::create(std::shared_ptr<const Artifact> artifact,
                                                                     const ExecutorOptions& options,
                                                                     const ReferenceOptions& reference) {
  const ArtifactSpec& spec = artifact->spec();
  if (spec.random_version != 0 && spec.random_version != kRandomVersion)
    return incompatible("'", spec.name, "' may draw random numbers of version ", spec.random_version,
                        ", interpreted it would draw those of version ", kRandomVersion)
        .with_hint("compile the program again, or run its own code without the reference");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto ir, findIr(*artifact, reference.phase));
  std::unique_ptr<ReferenceExecutor> executor(new ReferenceExecutor(std::move(artifact), options));
  TAILOR_RETURN_IF_ERROR_AS_IS(executor->allocate());
  Program& program = *executor->program_;
  program.phase = ir.first;
  TAILOR_RETURN_IF_ERROR_AS_IS(program.parse(ir.second));
  TAILOR_RETURN_IF_ERROR_AS_IS(program.check(executor->spec()));
  program.interpreter =
      std::make_unique<Interpreter>(program.op, InterpreterOptions{.roundAtStores = reference.roundAtStores});
  for (const State& state : executor->spec().states)
    program.environment.state.insert_or_assign(stateKey(executor->spec(), state),
                                               Tensor(elementOf(state.dtype), state.shape));
  return executor;
}

namespace {

Space spaceOf(ir::MemorySpace space) {
  switch (space) {
  case ir::MemorySpace::State:
    return Space::kState;
  case ir::MemorySpace::Arena:
    return Space::kArena;
  case ir::MemorySpace::Control:
    return Space::kControl;
  case ir::MemorySpace::Metrics:
    return Space::kMetrics;
  case ir::MemorySpace::Slot:
    return Space::kSlot;
  case ir::MemorySpace::Constant:
    return Space::kConstant;
  }
  llvm_unreachable("every space has its counterpart");
}

/// The argument of a multi_tensor kernel that `yielded` is the next value of: the first result role of an optimizer op
/// changes its first operand role (parameters, averages); the others are slots, which follow the gradients.
int changedArgument(mlir::Value yielded) {
  auto result = llvm::dyn_cast<mlir::OpResult>(yielded);
  auto op = result ? llvm::dyn_cast<ir::MultiTensorOpInterface>(result.getOwner()) : nullptr;
  if (!op) return -1;
  const auto operandRoles = op.getOperandRoles();
  for (auto [index, role] : llvm::enumerate(op.getResultRoles())) {
    const unsigned number = result.getResultNumber();
    if (number < role.begin || number >= role.begin + op.getNumTensors()) continue;
    const ir::TensorRole& before = operandRoles[index == 0 ? 0 : index + 1];
    auto argument = llvm::dyn_cast<mlir::BlockArgument>(op->getOperand(before.begin + number - role.begin));
    return argument ? static_cast<int>(argument.getArgNumber()) : -1;
  }
  return -1;
}

Launch describe(ir::LaunchOp launch, ir::KernelOp kernel) {
  Launch described{.kernel = launch.getKernel().str(), .results = {}};
  for (auto [index, value] : llvm::enumerate(launch.getResults())) {
    Launch::Result& result = described.results.emplace_back();
    result.shape = shapeOf(value.getType());
    result.place.dtype = dtypeOf(elementOf(value.getType()));
    result.changes = changedArgument(kernel.getBlock().getTerminator()->getOperand(index));
    if (auto buffers = launch.getBuffers()) {
      const auto place = llvm::cast<ir::BufferAttr>((*buffers)[index]);
      result.place.space = spaceOf(place.getSpace());
      result.place.offset = static_cast<uint64_t>(place.getOffset());
      result.place.bytes = static_cast<uint64_t>(numElements(result.shape)) * dtype_bytes(result.place.dtype);
    }
  }
  return described;
}

void appendLaunches(mlir::Block& block, ir::ProgramOp program, std::vector<Launch>& launches) {
  for (mlir::Operation& op : block) {
    if (auto launch = llvm::dyn_cast<ir::LaunchOp>(op)) {
      launches.push_back(describe(launch, llvm::cast<ir::KernelOp>(mlir::SymbolTable::lookupSymbolIn(
                                              program, launch.getKernelAttr()))));
    } else if (auto repeat = llvm::dyn_cast<ir::RepeatOp>(op)) {
      for (uint64_t pass = 0; pass < static_cast<uint64_t>(repeat.getCount()); ++pass)
        appendLaunches(repeat.getBlock(), program, launches);
    }
  }
}

} // namespace

std::vector<Launch> ReferenceExecutor::launchesOf(VariantId id) const {
  const Variant& variant =
      spec().entries[static_cast<size_t>(id.entry)].variants[static_cast<size_t>(id.variant)];
  std::vector<Launch> launches;
  auto entry = llvm::cast<ir::EntryOp>(mlir::SymbolTable::lookupSymbolIn(program_->op, variant.symbol));
  appendLaunches(entry.getBody().front(), program_->op, launches);
  return launches;
}

void ReferenceExecutor::setLaunchObserver(LaunchObserver observer) {
  if (!observer) return program_->interpreter->setObserver({});
  program_->interpreter->setObserver([observer = std::move(observer)](mlir::Operation* op,
                                                                      llvm::ArrayRef<const Tensor*> operands,
                                                                      llvm::MutableArrayRef<Tensor> results) {
    if (llvm::isa<ir::LaunchOp>(op)) observer(operands, results);
  });
}

Result<std::vector<Tensor>> ReferenceExecutor::runWithNoise(const std::string& kernel,
                                                            std::span<const Tensor* const> operands,
                                                            double noise) const {
  auto op = llvm::cast<ir::KernelOp>(mlir::SymbolTable::lookupSymbolIn(program_->op, kernel));
  auto results = program_->interpreter->callWithNoise(op, {operands.data(), operands.size()}, noise);
  if (failed(results)) return internal_error("kernel '", kernel, "': ", program_->takeMessages());
  return std::vector<Tensor>(results->begin(), results->end());
}

Result<std::vector<Tensor>> ReferenceExecutor::runWithTiesEitherWay(const std::string& kernel,
                                                                    std::span<const Tensor* const> operands,
                                                                    double width) const {
  auto op = llvm::cast<ir::KernelOp>(mlir::SymbolTable::lookupSymbolIn(program_->op, kernel));
  auto results = program_->interpreter->callWithTiesEitherWay(op, {operands.data(), operands.size()}, width);
  if (failed(results)) return internal_error("kernel '", kernel, "': ", program_->takeMessages());
  return std::vector<Tensor>(results->begin(), results->end());
}

const std::string& ReferenceExecutor::phase() const {
  return program_->phase;
}

Status ReferenceExecutor::initialise(uint64_t seed, std::span<const int32_t> groups) {
  llvm::StringMap<Tensor>& values = program_->environment.state;
  for (const State& state : spec().states) {
    if (!groups.empty() && std::find(groups.begin(), groups.end(), state.group) == groups.end()) continue;
    Tensor& value = values[stateKey(spec(), state)];
    if (state.init.kind == InitKind::kCopyOf) {
      value = values[stateKey(spec(), spec().states[static_cast<size_t>(state.init.source_state)])];
      continue;
    }
    std::vector<std::byte> bytes(state.bytes);
    write_initial_value(spec(), state, seed, bytes);
    value = fromBytes(bytes, state.dtype, state.shape);
  }
  if (groups.empty()) initialise_device_control();
  return {};
}

Status ReferenceExecutor::read_state(int32_t index, std::span<std::byte> destination) const {
  if (index < 0 || static_cast<size_t>(index) >= spec().states.size())
    return internal_error("no state ", index);
  const State& state = spec().states[static_cast<size_t>(index)];
  if (destination.size() != state.bytes)
    return internal_error("state '", state.name, "' has ", state.bytes, " bytes, not ", destination.size());
  toBytes(program_->environment.state.find(stateKey(spec(), state))->second, state.dtype, destination);
  return {};
}

Status ReferenceExecutor::write_state(int32_t index, std::span<const std::byte> source) {
  if (index < 0 || static_cast<size_t>(index) >= spec().states.size())
    return internal_error("no state ", index);
  const State& state = spec().states[static_cast<size_t>(index)];
  if (source.size() != state.bytes)
    return internal_error("state '", state.name, "' has ", state.bytes, " bytes, not ", source.size());
  program_->environment.state[stateKey(spec(), state)] = fromBytes(source, state.dtype, state.shape);
  return {};
}

Status ReferenceExecutor::copy_state(int32_t from, int32_t to) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_copy(from, to));
  llvm::StringMap<Tensor>& values = program_->environment.state; // unrounded, where write_state() would round
  values[stateKey(spec(), spec().states[static_cast<size_t>(to)])] =
      Tensor(values[stateKey(spec(), spec().states[static_cast<size_t>(from)])]);
  return {};
}

std::vector<double> ReferenceExecutor::exactState(int32_t index) const {
  const State& state = spec().states[static_cast<size_t>(index)];
  const Tensor& tensor = program_->environment.state.find(stateKey(spec(), state))->second;
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  for (int64_t i = 0; i < tensor.size(); ++i)
    values[static_cast<size_t>(i)] = tensor.at(i);
  return values;
}

Status ReferenceExecutor::run(VariantId id, uint32_t num_steps) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_run(id, num_steps));
  const Variant& variant =
      spec().entries[static_cast<size_t>(id.entry)].variants[static_cast<size_t>(id.variant)];
  for (uint32_t step = 0; step < num_steps; ++step)
    TAILOR_RETURN_IF_ERROR_AS_IS(runStep(variant));
  if (num_steps == 0) return {};

  auto& outputs = program_->outputs[{id.entry, id.variant}];
  outputs.assign(variant.outputs.size(), {});
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& tensor = program_->environment.outputs.find(variant.outputs[i].name)->second;
    outputs[i].resize(static_cast<size_t>(tensor.size()) * dtype_bytes(variant.outputs[i].dtype));
    toBytes(tensor, variant.outputs[i].dtype, outputs[i]);
  }
  return {};
}

Status ReferenceExecutor::runStep(const Variant& variant) {
  begin_step();
  Environment& environment = program_->environment;
  auto entry = llvm::cast<ir::EntryOp>(mlir::SymbolTable::lookupSymbolIn(program_->op, variant.symbol));
  uint32_t slotIndex = 0;
  for (const ControlField& field : spec().control) {
    const std::span<const std::byte> bytes{control_row_.get() + field.offset,
                                           field.count * dtype_bytes(field.dtype)};
    Tensor value = fromBytes(bytes, field.dtype, controlShape(field));
    if (field.name == "slot") slotIndex = static_cast<uint32_t>(value.integerAt(0)); // checked by check_run
    environment.control.insert_or_assign(field.name, std::move(value));
  }
  environment.inputs.clear();
  for (const SlotField& field : variant.slot_fields)
    environment.inputs.insert_or_assign(
        field.name, fromBytes({slot(slotIndex) + field.offset, field.bytes}, field.dtype, field.shape));
  environment.reports.clear();
  environment.outputs.clear();

  if (failed(program_->interpreter->run(entry, environment)))
    return invalid_argument("entry '", variant.symbol, "' on the reference: ", program_->takeMessages());
  for (const auto& [name, value] : environment.reports) {
    const MetricField& field = spec().metrics[static_cast<size_t>(find_metric(spec(), name.str()))];
    toBytes(value, field.dtype, {metrics_row_.get() + field.offset, dtype_bytes(field.dtype)});
  }
  finish_step();
  return {};
}

Result<std::span<const std::byte>> ReferenceExecutor::read_output(VariantId id, int32_t output) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_run(id, 0));
  const auto found = program_->outputs.find({id.entry, id.variant});
  if (found == program_->outputs.end() || output < 0 || static_cast<size_t>(output) >= found->second.size())
    return internal_error("no output ", output, " of variant ", id.variant, " of entry ", id.entry);
  return std::span<const std::byte>(found->second[static_cast<size_t>(output)]);
}

Status ReferenceExecutor::set_observer(Observer observer) {
  if (!observer.begin && !observer.end) return {};
  return unimplemented("the reference runs ops, not commands: there is nothing to observe");
}

Result<std::span<const std::byte>> ReferenceExecutor::read_operand(const Operand&) const {
  return unimplemented("the reference runs ops, not commands: there are no operands");
}

} // namespace tailor::backend::reference
