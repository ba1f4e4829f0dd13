#include "backend/driver/EmitArtifact.h"

#include "backend/driver/EmitCommands.h"
#include "passes/analysis/KernelBuffers.h"
#include "passes/PlanMemory.h"

#include "llvm/ADT/MapVector.h"

#include <numeric>

using namespace mlir;

namespace tailor::backend {

runtime::DType dtypeOf(Type type) {
  Type element = cast<RankedTensorType>(type).getElementType();
  if (element.isF64()) return runtime::DType::kF64;
  if (element.isBF16()) return runtime::DType::kBF16;
  if (element.isInteger(64)) return runtime::DType::kI64;
  if (element.isInteger(32)) return runtime::DType::kI32;
  if (element.isInteger(1)) return runtime::DType::kI1;
  if (element.isUnsignedInteger(8)) return runtime::DType::kU8;
  return runtime::DType::kF32;
}

std::vector<int64_t> shapeOf(Type type) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
  return {shape.begin(), shape.end()};
}

namespace {

uint32_t countOf(Type type) {
  return static_cast<uint32_t>(cast<RankedTensorType>(type).getNumElements());
}

runtime::GroupKind convert(ir::GroupKind kind) {
  switch (kind) {
  case ir::GroupKind::Net:
    return runtime::GroupKind::kNet;
  case ir::GroupKind::Projector:
    return runtime::GroupKind::kProjector;
  case ir::GroupKind::Generator:
    return runtime::GroupKind::kGenerator;
  case ir::GroupKind::Optimizer:
    return runtime::GroupKind::kOptimizer;
  case ir::GroupKind::Ema:
    return runtime::GroupKind::kEma;
  case ir::GroupKind::BatchNorm:
    return runtime::GroupKind::kBatchNorm;
  case ir::GroupKind::Fitted:
    return runtime::GroupKind::kFitted;
  }
  llvm_unreachable("every kind of group has its counterpart");
}

runtime::EntryKind convert(ir::EntryKind kind) {
  switch (kind) {
  case ir::EntryKind::Init:
    return runtime::EntryKind::kInit;
  case ir::EntryKind::Fit:
    return runtime::EntryKind::kFit;
  case ir::EntryKind::Step:
    return runtime::EntryKind::kStep;
  case ir::EntryKind::Eval:
    return runtime::EntryKind::kEval;
  case ir::EntryKind::Predict:
    return runtime::EntryKind::kPredict;
  case ir::EntryKind::Features:
    return runtime::EntryKind::kFeatures;
  case ir::EntryKind::BatchNormRecompute:
    return runtime::EntryKind::kBatchNormRecompute;
  }
  llvm_unreachable("every kind of entry has its counterpart");
}

runtime::InitKind convert(ir::InitRule rule) {
  switch (rule) {
  case ir::InitRule::Zeros:
    return runtime::InitKind::kZeros;
  case ir::InitRule::Ones:
    return runtime::InitKind::kOnes;
  case ir::InitRule::Constant:
    return runtime::InitKind::kConstant;
  case ir::InitRule::Uniform:
    return runtime::InitKind::kUniform;
  case ir::InitRule::Normal:
    return runtime::InitKind::kNormal;
  case ir::InitRule::TruncatedNormal:
    return runtime::InitKind::kTruncatedNormal;
  case ir::InitRule::CopyOf:
    return runtime::InitKind::kCopyOf;
  }
  llvm_unreachable("every init rule has its counterpart");
}

/// How a host field is evaluated. One that says nothing is the loop's own, known by its name, or nobody's: the
/// reader refuses it then.
runtime::FieldBinding bindingOf(ir::ControlFieldOp field) {
  if (field.getWriter() == ir::ControlWriter::Device) return runtime::FieldBinding::kNone;
  if (field.getValue()) return runtime::FieldBinding::kConstant;
  if (!field.getSource())
    return llvm::is_contained({"valid", "slot", "rng", "step"}, field.getSymName())
               ? runtime::FieldBinding::kBuiltin
               : runtime::FieldBinding::kNone;
  switch (*field.getSource()) {
  case ir::FieldSource::Option:
    return runtime::FieldBinding::kOption;
  case ir::FieldSource::Schedule:
    return runtime::FieldBinding::kSchedule;
  case ir::FieldSource::AverageDecay:
    return runtime::FieldBinding::kAverageDecay;
  case ir::FieldSource::EpochRow:
    return runtime::FieldBinding::kEpochRow;
  case ir::FieldSource::FractionRow:
    return runtime::FieldBinding::kFractionRow;
  case ir::FieldSource::RandomUniform:
    return runtime::FieldBinding::kRandomUniform;
  case ir::FieldSource::RandomBeta:
    return runtime::FieldBinding::kRandomBeta;
  }
  llvm_unreachable("every source has its counterpart");
}

class SpecBuilder {
public:
  SpecBuilder(ir::ProgramOp program, const ProgramInfo& info, const Target& target, const KernelCode* code)
      : program_(program), code_(code) {
    spec_.name = program.getSymName().str();
    spec_.producer = "tailor " TAILOR_VERSION;
    spec_.source_name = info.sourceName;
    spec_.source_text = info.sourceText;
    spec_.options = info.options;
    spec_.schema = info.schema;
    spec_.target = {target.backend->name().str(), target.processor.empty() ? "f64" : target.processor,
                    target.backend->features(target.processor)};
  }

  FailureOr<runtime::ArtifactSpec> build() {
    passes::MemorySizes sizes = passes::memorySizes(program_);
    spec_.memory = {static_cast<uint64_t>(sizes.state),   static_cast<uint64_t>(sizes.arena),
                    static_cast<uint64_t>(sizes.control), static_cast<uint64_t>(sizes.controlHost),
                    static_cast<uint64_t>(sizes.metrics), static_cast<uint64_t>(sizes.slot)};
    if (failed(addStates())) return failure();
    addControl();
    addMetrics();
    if (code_)
      for (const KernelPlace& function : code_->functions)
        spec_.kernels.push_back({function.symbol,
                                 function.offset,
                                 function.bytes,
                                 function.scratchBytes,
                                 "",
                                 {},
                                 {},
                                 function.vectorBits,
                                 function.blocks,
                                 function.threads,
                                 function.resident,
                                 function.sharedBytes,
                                 function.tensorCores});
    if (code_) spec_.library_plans = code_->plans;
    for (auto entry : program_.getOps<ir::EntryOp>())
      if (failed(addVariant(entry))) return failure();
    for (size_t entry = 0; entry < spec_.entries.size(); ++entry)
      sortVariants(entry);
    addStages();
    return std::move(spec_);
  }

private:
  /// By batch size, whatever the order in which a recipe names them; the rows of the memory plan follow.
  void sortVariants(size_t entry) {
    std::vector<runtime::Variant>& variants = spec_.entries[entry].variants;
    SmallVector<int32_t> order(variants.size()), places(variants.size());
    std::iota(order.begin(), order.end(), 0);
    llvm::stable_sort(order, [&](int32_t a, int32_t b) { return variants[a].batch < variants[b].batch; });
    std::vector<runtime::Variant> sorted;
    for (auto [place, from] : llvm::enumerate(order)) {
      places[from] = place;
      sorted.push_back(std::move(variants[from]));
    }
    variants = std::move(sorted);
    for (runtime::PlannedBuffer& row : spec_.memory_plan)
      if (row.entry == int32_t(entry)) row.variant = places[row.variant];
  }

  LogicalResult addStates() {
    for (auto group : program_.getOps<ir::StateGroupOp>()) {
      int32_t number = spec_.groups.size();
      spec_.groups.push_back({group.getSymName().str(), convert(group.getKind()), group.getTrainable()});
      for (auto state : group.getOps<ir::StateOp>()) {
        runtime::State& record = spec_.states.emplace_back();
        stateNumbers_[state] = spec_.states.size() - 1;
        record.name = state.getSymName().str();
        record.group = number;
        record.dtype = dtypeOf(state.getType());
        record.shape = shapeOf(state.getType());
        record.bytes = passes::bytesOf(state.getType());
        record.decayed = !state.getNoDecay();
        record.offset = placeOf(state, stateEnd_);
        stateEnd_ = record.offset + (record.bytes + 63) / 64 * 64;
        record.init.kind = convert(state.getInit().getRule());
        record.init.value = state.getInit().getNumber();
        if (SymbolRefAttr source = state.getInit().getSource()) {
          auto found = stateNumbers_.find(program_.lookupState(source));
          if (found == stateNumbers_.end())
            return state.emitError("copies ") << source << ", which is declared after it";
          record.init.source_state = found->second;
        }
      }
    }
    spec_.memory.state = std::max(spec_.memory.state, stateEnd_);
    return success();
  }

  /// Offset of a planned state or field; an interpreter's program has no plan and gets them one after the
  /// other.
  static uint64_t placeOf(Operation* op, uint64_t next) {
    ir::BufferAttr place = passes::placeOf(op);
    return place ? place.getOffset() : next;
  }

  void addControl() {
    ir::ControlOp control = program_.getControl();
    if (!control) return;
    uint64_t end = 0;
    for (ir::ControlWriter writer : {ir::ControlWriter::Host, ir::ControlWriter::Device}) {
      for (auto field : control.getOps<ir::ControlFieldOp>()) {
        if (field.getWriter() != writer) continue;
        runtime::ControlField& record = spec_.control.emplace_back();
        record.name = field.getSymName().str();
        record.dtype = dtypeOf(field.getType());
        record.count = countOf(field.getType());
        record.offset = placeOf(field, end);
        end = record.offset + (runtime::dtype_bytes(record.dtype) * record.count + 63) / 64 * 64;
        record.writer =
            writer == ir::ControlWriter::Host ? runtime::FieldWriter::kHost : runtime::FieldWriter::kDevice;
        record.key = field.getKey().value_or("").str();
        record.options_prefix = field.getOptionsPrefix().value_or("").str();
        record.binding = bindingOf(field);
        if (std::optional<APFloat> value = field.getValue()) record.value = value->convertToDouble();
      }
      if (writer == ir::ControlWriter::Host)
        spec_.memory.control_host = std::max<uint64_t>(spec_.memory.control_host, end);
    }
    spec_.memory.control = std::max(spec_.memory.control, end);
  }

  void addMetrics() {
    uint64_t end = 0;
    program_.walk([&](ir::ReportOp report) {
      std::string name = report.getMetric().str();
      if (runtime::find_metric(spec_, name) >= 0) return;
      runtime::MetricField& field = spec_.metrics.emplace_back();
      field.name = name;
      field.dtype = dtypeOf(report.getValue().getType());
      field.count = countOf(report.getValue().getType());
      field.offset = placeOf(report, end);
      end = field.offset + 64;
    });
    spec_.memory.metrics = std::max(spec_.memory.metrics, end);
  }

  LogicalResult addVariant(ir::EntryOp op) {
    std::string name = op.getName().str();
    int32_t number = runtime::find_entry(spec_, name);
    if (number < 0) {
      number = spec_.entries.size();
      spec_.entries.push_back({name, convert(op.getKind()), {}});
      if (std::optional<StringRef> rate = op.getLearningRate())
        spec_.entries[number].learning_rate = runtime::find_control(spec_, rate->str());
    } else if (spec_.entries[number].kind != convert(op.getKind())) {
      return op.emitError("entry '") << name << "' has variants of different kinds";
    }
    runtime::Variant variant;
    variant.batch = op.getBatch().value_or(0);
    variant.symbol = op.getSymName().str();
    uint64_t slotEnd = 0;
    for (Operation& inner : op.getBody().front()) {
      if (auto input = dyn_cast<ir::InputOp>(inner)) {
        if (llvm::any_of(variant.slot_fields,
                         [&](const auto& field) { return input.getInput() == field.name; }))
          continue;
        auto source = input->getAttrOfType<ir::BufferAttr>(passes::kSourceAttr);
        uint64_t offset = source ? source.getOffset() : slotEnd, bytes = passes::bytesOf(input.getType());
        variant.slot_fields.push_back(
            {input.getInput().str(), dtypeOf(input.getType()), shapeOf(input.getType()), offset, bytes});
        slotEnd = offset + (bytes + 63) / 64 * 64;
      } else if (auto report = dyn_cast<ir::ReportOp>(inner)) {
        variant.metrics.push_back(runtime::find_metric(spec_, report.getMetric().str()));
      } else if (auto output = dyn_cast<ir::OutputOp>(inner)) {
        Type type = output.getValue().getType();
        runtime::Output& record = variant.outputs.emplace_back();
        record.name = output.getOutput().str();
        record.dtype = dtypeOf(type);
        record.shape = shapeOf(type);
        record.place.dtype = record.dtype;
        record.place.bytes = passes::bytesOf(type);
        if (ir::BufferAttr place = passes::placeOf(output)) {
          record.place.offset = place.getOffset();
        } else { // an interpreter keeps its outputs in an arena that only they use
          record.place.offset = outputEnd_;
          outputEnd_ += (record.place.bytes + 63) / 64 * 64;
        }
      }
    }
    spec_.memory.slot = std::max(spec_.memory.slot, slotEnd);
    spec_.memory.arena = std::max(spec_.memory.arena, outputEnd_);
    if (code_ &&
        failed(emitCommands(op, *code_, number, spec_.entries[number].variants.size(), spec_, variant)))
      return failure();
    spec_.entries[number].variants.push_back(std::move(variant));
    return success();
  }

  int32_t groupNumber(StringRef name) const {
    auto found =
        llvm::find_if(spec_.groups, [&](const runtime::StateGroup& group) { return name == group.name; });
    return found - spec_.groups.begin();
  }

  /// What a stage does not say has a default: the first entry of each kind; the first stage initialises
  /// everything, later ones nothing.
  void addStages() {
    auto entryOfKind = [&](runtime::EntryKind kind) {
      for (size_t i = 0; i < spec_.entries.size(); ++i)
        if (spec_.entries[i].kind == kind) return static_cast<int32_t>(i);
      return -1;
    };
    auto add = [&](std::string name, int32_t step) {
      runtime::Stage& stage = spec_.stages.emplace_back();
      stage.name = std::move(name);
      stage.step_entry = step;
      stage.fit_entry = entryOfKind(runtime::EntryKind::kFit);
      stage.eval_entry = entryOfKind(runtime::EntryKind::kEval);
      for (size_t group = 0; spec_.stages.size() == 1 && group < spec_.groups.size(); ++group)
        stage.initialised_groups.push_back(group);
      return &stage;
    };
    // An entry by its name, or by the symbol of one of its variants; the first of `kind` where none is named.
    auto entryNamed = [&](std::optional<StringRef> name, runtime::EntryKind kind) {
      if (!name) return entryOfKind(kind);
      int32_t number = runtime::find_entry(spec_, name->str());
      if (number >= 0) return number;
      auto variant = cast<ir::EntryOp>(SymbolTable::lookupSymbolIn(program_, *name)); // says the verifier
      return runtime::find_entry(spec_, variant.getName().str());
    };
    ir::StagePlanOp plan = program_.getStagePlan();
    if (!plan) {
      if (int32_t step = entryOfKind(runtime::EntryKind::kStep); step >= 0) add("main", step);
      return;
    }
    for (auto op : plan.getOps<ir::StageOp>()) {
      runtime::Stage* stage =
          add(op.getSymName().str(), entryNamed(op.getEntry(), runtime::EntryKind::kStep));
      stage->fit_entry = entryNamed(op.getFit(), runtime::EntryKind::kFit);
      stage->eval_entry = entryNamed(op.getEval(), runtime::EntryKind::kEval);
      stage->continues = op.getContinues();
      if (ArrayAttr copies = op.getCopies().value_or(ArrayAttr()))
        for (auto pair : copies.getAsRange<ArrayAttr>())
          stage->copies.push_back({groupNumber(cast<FlatSymbolRefAttr>(pair[0]).getValue()),
                                   groupNumber(cast<FlatSymbolRefAttr>(pair[1]).getValue())});
      if (ArrayAttr groups = op.getInitialises().value_or(ArrayAttr())) {
        stage->initialised_groups.clear();
        for (auto name : groups.getAsRange<SymbolRefAttr>())
          stage->initialised_groups.push_back(groupNumber(name.getLeafReference()));
      }
    }
  }

  ir::ProgramOp program_;
  const KernelCode* code_;
  runtime::ArtifactSpec spec_;
  llvm::DenseMap<Operation*, int32_t> stateNumbers_;
  uint64_t stateEnd_ = 0, outputEnd_ = 0;
};

} // namespace

FailureOr<runtime::ArtifactSpec> emitSpec(ir::ProgramOp program, const ProgramInfo& info,
                                          const Target& target, const KernelCode* code) {
  return SpecBuilder(program, info, target, code).build();
}

std::vector<std::byte> constantBytes(ir::ProgramOp program) {
  std::vector<std::byte> bytes(passes::memorySizes(program).constant);
  program.walk([&](ir::ConstantOp constant) {
    ir::BufferAttr place = passes::bufferOf(constant.getResult());
    if (!place || place.getSpace() != ir::MemorySpace::Constant) return;
    auto elements = cast<ElementsAttr>(constant.getValueAttr());
    Type element = elements.getElementType();
    size_t width = (element.getIntOrFloatBitWidth() + 7) / 8, offset = place.getOffset();
    auto append = [&](const llvm::APInt& bits) {
      uint64_t word = bits.getZExtValue();
      for (size_t i = 0; i < width; ++i)
        bytes[offset++] = static_cast<std::byte>(word >> (8 * i));
    };
    if (isa<FloatType>(element))
      for (const llvm::APFloat& value : elements.getValues<llvm::APFloat>())
        append(value.bitcastToAPInt());
    else
      for (const llvm::APInt& value : elements.getValues<llvm::APInt>())
        append(value);
  });
  return bytes;
}

} // namespace tailor::backend
