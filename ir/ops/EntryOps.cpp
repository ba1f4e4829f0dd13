#include "ir/ops/Support.h"
#include "runtime/base/data_schema.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace tailor::ir {

// --- entry

void EntryOp::build(OpBuilder& builder, OperationState& state, StringRef name, EntryKind kind,
                    std::optional<int64_t> batch, StringRef entryName) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getKindAttrName(state.name), EntryKindAttr::get(builder.getContext(), kind));
  if (batch) state.addAttribute(getBatchAttrName(state.name), builder.getI64IntegerAttr(*batch));
  if (!entryName.empty())
    state.addAttribute(getEntryNameAttrName(state.name), builder.getStringAttr(entryName));
  ensureTerminator(*state.addRegion(), builder, state.location);
}

StringRef EntryOp::getName() {
  return getEntryName().value_or(getSymName());
}

/// Entries that look at data or results without training.
static bool isReadOnly(EntryKind kind) {
  return kind == EntryKind::Eval || kind == EntryKind::Predict || kind == EntryKind::Features;
}

LogicalResult EntryOp::verify() {
  EntryKind kind = getKind();
  bool hasBatch = kind != EntryKind::Init && kind != EntryKind::Fit;
  if (hasBatch && !getBatch())
    return emitOpError("of kind ") << stringifyEntryKind(kind) << " expects a batch size";
  if (!hasBatch && getBatch())
    return emitOpError("of kind ") << stringifyEntryKind(kind) << " has no batch, got batch size "
                                   << *getBatch();
  if (int64_t batch = getBatch().value_or(1); batch < 1)
    return emitOpError("expects a batch size of at least 1, got ") << batch;
  if (std::optional<int64_t> parts = getAccumulate()) {
    if (kind != EntryKind::Step)
      return emitOpError("of kind ") << stringifyEntryKind(kind) << " makes no gradients to accumulate";
    if (*parts < 2) return emitOpError("expects to accumulate at least 2 micro-batches, got ") << *parts;
  }
  return success();
}

LogicalResult EntryOp::verifyRegions() {
  EntryKind kind = getKind();
  bool hasBatch = getBatch().has_value();
  if (auto yield = dyn_cast<YieldOp>(getBody().front().back()); yield && !yield.getValues().empty())
    return yield.emitOpError("of an entry yields nothing; results leave through store, report and output");
  llvm::StringSet<> reported, outputs;
  WalkResult walk = getBody().walk([&](Operation* op) -> WalkResult {
    bool refused = (isa<StoreOp>(op) && isReadOnly(kind)) || (isa<OutputOp>(op) && !isReadOnly(kind)) ||
                   (isa<ReportOp>(op) && !hasBatch) || (isa<InputOp>(op) && !hasBatch);
    if (refused) return op->emitOpError("has no place in an entry of kind ") << stringifyEntryKind(kind);
    if (auto report = dyn_cast<ReportOp>(op); report && !reported.insert(report.getMetric()).second)
      return op->emitOpError("reports '") << report.getMetric() << "' a second time in one entry";
    if (auto output = dyn_cast<OutputOp>(op); output && !outputs.insert(output.getOutput()).second)
      return op->emitOpError("puts out '") << output.getOutput() << "' a second time in one entry";
    if (auto input = dyn_cast<InputOp>(op)) {
      auto shape = input.getType().getShape();
      if (!shape.empty() && !sameSize(shape[0], *getBatch()))
        return input.emitOpError("has ") << shape[0] << " rows but the entry's batch size is " << *getBatch();
    }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

// --- state

static LogicalResult verifyStateType(Operation* op, SymbolRefAttr name, Type type,
                                     SymbolTableCollection& symbols) {
  if (failed(verifyInEntry(op))) return failure();
  ProgramOp program = programOf(op);
  auto state = dyn_cast_or_null<StateOp>(symbols.lookupSymbolIn(program, name));
  if (!state) return op->emitOpError("names the unknown state ") << name;
  if (state.getType() == type) return success();
  InFlightDiagnostic diagnostic = op->emitOpError("has type ")
                                  << type << " but state " << name << " is " << state.getType();
  diagnostic.attachNote(state.getLoc()) << "the state is declared here";
  return diagnostic;
}

LogicalResult LoadOp::verifySymbolUses(SymbolTableCollection& symbols) {
  return verifyStateType(*this, getState(), getType(), symbols);
}

void LoadOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), valueName(getResult()));
}

LogicalResult StoreOp::verifySymbolUses(SymbolTableCollection& symbols) {
  return verifyStateType(*this, getState(), getValue().getType(), symbols);
}

// --- control, inputs, results

LogicalResult ControlReadOp::verifySymbolUses(SymbolTableCollection& symbols) {
  if (failed(verifyInEntry(*this))) return failure();
  ControlOp control = programOf(*this).getControl();
  auto field = control ? dyn_cast_or_null<ControlFieldOp>(symbols.lookupSymbolIn(control, getFieldAttr()))
                       : ControlFieldOp();
  if (!field) return emitOpError("names the unknown control field ") << getFieldAttr();
  if (field.getType() == getType()) return success();
  InFlightDiagnostic diagnostic = emitOpError("has type ") << getType() << " but control field "
                                                           << getFieldAttr() << " is " << field.getType();
  diagnostic.attachNote(field.getLoc()) << "the field is declared here";
  return diagnostic;
}

void ControlReadOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getField());
}

namespace {
struct InputKind {
  StringRef name;
  int64_t rank;
  bool (*takes)(Type element);
  StringRef elements; ///< what it takes, in words
};

bool isF32(Type element) {
  return element.isF32();
}
bool isI32(Type element) {
  return element.isInteger(32);
}
bool isBytesOrF32(Type element) {
  return element.isUnsignedInteger(8) || element.isF32();
}
} // namespace

// The batch inputs that a data schema can list (DataSchema::inputs), with the batch in front.
namespace names = runtime::input_names;
static constexpr InputKind kInputs[] = {{names::kNumeric, 2, isF32, "f32"},
                                        {names::kCategory, 2, isI32, "i32"},
                                        {names::kImage, 4, isBytesOrF32, "ui8 or f32"},
                                        {names::kLabel, 1, isI32, "i32"},
                                        {names::kIndex, 1, isI32, "i32"},
                                        {names::kRowWeight, 1, isF32, "f32"}};

LogicalResult InputOp::verify() {
  if (failed(verifyInEntry(*this))) return failure();
  const auto* kind = llvm::find_if(kInputs, [&](const InputKind& k) { return k.name == getInput(); });
  if (kind == std::end(kInputs)) {
    InFlightDiagnostic diagnostic = emitOpError("'") << getInput() << "' is not a batch input (";
    llvm::interleaveComma(kInputs, diagnostic, [&](const InputKind& known) { diagnostic << known.name; });
    return diagnostic << ")";
  }
  RankedTensorType type = getType();
  Type element = type.getElementType();
  if (!kind->takes(element))
    return emitOpError("'") << getInput() << "' expects elements of " << kind->elements << ", got "
                            << element;
  if (type.getRank() != kind->rank)
    return emitOpError("'") << getInput() << "' expects " << kind->rank << " dimensions, got "
                            << type.getRank();
  return success();
}

void InputOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getInput());
}

LogicalResult ReportOp::verify() {
  return verifyInEntry(*this);
}

LogicalResult OutputOp::verify() {
  return verifyInEntry(*this);
}

void YieldOp::build(OpBuilder&, OperationState&) {}

} // namespace tailor::ir
