#include "ir/Attributes.h"
#include "ir/ops/Support.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace tailor::ir {

// --- program

void ProgramOp::build(OpBuilder& builder, OperationState& state, StringRef name) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addRegion()->emplaceBlock();
}

ControlOp ProgramOp::getControl() {
  auto controls = getBody().getOps<ControlOp>();
  return controls.empty() ? ControlOp() : *controls.begin();
}

StagePlanOp ProgramOp::getStagePlan() {
  auto plans = getBody().getOps<StagePlanOp>();
  return plans.empty() ? StagePlanOp() : *plans.begin();
}

StateOp ProgramOp::lookupState(SymbolRefAttr name) {
  return dyn_cast_or_null<StateOp>(::mlir::SymbolTable::lookupSymbolIn(getOperation(), name));
}

/// Entries that share a name are variants: one kind, different batch sizes.
static LogicalResult verifyVariant(EntryOp entry, EntryOp other) {
  if (other.getKind() != entry.getKind())
    return (entry.emitOpError("is a variant of '")
            << entry.getName() << "' of kind " << stringifyEntryKind(entry.getKind()) << " but @"
            << other.getSymName() << " is of kind " << stringifyEntryKind(other.getKind()))
               .attachNote(other.getLoc())
           << "the other variant";
  if (other.getBatch() == entry.getBatch())
    return (entry.emitOpError("is a second variant of '")
            << entry.getName() << "' with the batch size of @" << other.getSymName())
               .attachNote(other.getLoc())
           << "the other variant";
  return success();
}

static LogicalResult verifyVariants(ProgramOp program) {
  llvm::StringMap<SmallVector<EntryOp>> variants;
  for (EntryOp entry : program.getBody().getOps<EntryOp>()) {
    for (EntryOp other : variants[entry.getName()])
      if (failed(verifyVariant(entry, other))) return failure();
    variants[entry.getName()].push_back(entry);
  }
  return success();
}

/// Every op of a declaration list is of the given kind.
template <typename Item> static LogicalResult verifyHoldsOnly(Operation* list, Region& region) {
  for (Operation& op : region.front())
    if (!isa<Item>(op))
      return op.emitOpError("is not a ")
             << Item::getOperationName() << ", all " << list->getName() << " holds";
  return success();
}

// --- state

void StateGroupOp::build(OpBuilder& builder, OperationState& state, StringRef name, GroupKind kind,
                         bool trainable) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getKindAttrName(state.name), GroupKindAttr::get(builder.getContext(), kind));
  if (trainable) state.addAttribute(getTrainableAttrName(state.name), builder.getUnitAttr());
  state.addRegion()->emplaceBlock();
}

LogicalResult StateGroupOp::verifyRegions() {
  bool canTrain =
      getKind() == GroupKind::Net || getKind() == GroupKind::Projector || getKind() == GroupKind::Generator;
  if (getTrainable() && !canTrain)
    return emitOpError("of kind ") << stringifyGroupKind(getKind())
                                   << " cannot be trainable; only net, projector and generator groups can";
  return verifyHoldsOnly<StateOp>(*this, getBody());
}

void StateOp::build(OpBuilder& builder, OperationState& state, StringRef name, RankedTensorType type,
                    InitAttr init, bool noDecay) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getInitAttrName(state.name), init);
  if (noDecay) state.addAttribute(getNoDecayAttrName(state.name), builder.getUnitAttr());
}

StateGroupOp StateOp::getGroup() {
  return cast<StateGroupOp>((*this)->getParentOp());
}

LogicalResult StateOp::verify() {
  if (!getTensorType().hasStaticShape()) return emitOpError("expects a static shape, got ") << getType();
  bool draws = getInit().getRule() == InitRule::Uniform || getInit().getRule() == InitRule::Normal ||
               getInit().getRule() == InitRule::TruncatedNormal;
  if (draws && !isFloatTensor(getType()))
    return emitOpError("init rule ") << stringifyInitRule(getInit().getRule())
                                     << " expects a floating-point state, got " << getType();
  return success();
}

/// The state an init rule copies, which may be of another group.
static LogicalResult verifyCopy(ProgramOp program, StateOp state) {
  SymbolRefAttr source = state.getInit().getSource();
  if (!source) return success();
  StateOp other = program.lookupState(source);
  if (!other) return state.emitOpError("copies the unknown state ") << source;
  if (other.getType() != state.getType())
    return state.emitOpError("is ") << state.getType() << " but copies " << source << " of type "
                                    << other.getType();
  return success();
}

// --- control

void ControlOp::build(OpBuilder&, OperationState& state) {
  state.addRegion()->emplaceBlock();
}

LogicalResult ControlOp::verifyRegions() {
  return verifyHoldsOnly<ControlFieldOp>(*this, getBody());
}

void ControlFieldOp::build(OpBuilder& builder, OperationState& state, StringRef name, RankedTensorType type,
                           ControlWriter writer, StringRef key, std::optional<double> value) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getWriterAttrName(state.name), ControlWriterAttr::get(builder.getContext(), writer));
  if (!key.empty()) state.addAttribute(getKeyAttrName(state.name), builder.getStringAttr(key));
  if (value) state.addAttribute(getValueAttrName(state.name), builder.getF64FloatAttr(*value));
}

LogicalResult ControlFieldOp::verify() {
  if (!getTensorType().hasStaticShape() || getTensorType().getRank() > 1)
    return emitOpError("expects a scalar or a short vector, got ") << getType();
  if (getKey() && getValue())
    return emitOpError("takes its value from key '") << *getKey() << "' or from a constant, not from both";
  if (getWriter() == ControlWriter::Device && (getKey() || getValue()))
    return emitOpError("is written by the device; it takes neither key nor value");
  return success();
}

// --- stages

void StagePlanOp::build(OpBuilder&, OperationState& state) {
  state.addRegion()->emplaceBlock();
}

LogicalResult StagePlanOp::verifyRegions() {
  if (getBody().front().empty()) return emitOpError("holds no stage");
  return verifyHoldsOnly<StageOp>(*this, getBody());
}

LogicalResult StageOp::verify() {
  if (getEpochs() && getSteps())
    return emitOpError("has a length in epochs (")
           << *getEpochs() << ") and in steps (" << *getSteps() << ")";
  // I64Attr accessors are unsigned.
  if (int64_t epochs = getEpochs().value_or(1); epochs < 1)
    return emitOpError("expects at least 1 epoch, got ") << epochs;
  if (int64_t steps = getSteps().value_or(1); steps < 1)
    return emitOpError("expects at least 1 step, got ") << steps;
  if (int64_t row = getClassTable(); row < 0)
    return emitOpError("expects a class table row of at least 0, got ") << row;
  return success();
}

/// `name` is an entry's symbol or the entry_name of its variants, all of one of `kinds`.
static LogicalResult verifyEntryReference(ProgramOp program, StageOp stage, StringRef role,
                                          FlatSymbolRefAttr name, ArrayRef<EntryKind> kinds) {
  if (!name) return success();
  for (EntryOp entry : program.getOps<EntryOp>()) {
    if (entry.getSymName() != name.getValue() && entry.getName() != name.getValue()) continue;
    if (llvm::is_contained(kinds, entry.getKind())) return success();
    return stage.emitOpError() << role << " expects an entry of kind " << stringifyEntryKind(kinds.front())
                               << " but " << name << " is of kind " << stringifyEntryKind(entry.getKind());
  }
  return stage.emitOpError() << role << " names the unknown entry " << name;
}

/// What a stage names: entries, states and groups of its program.
static LogicalResult verifyStage(ProgramOp program, StageOp stage) {
  if (failed(verifyEntryReference(program, stage, "entry", stage.getEntryAttr(), EntryKind::Step)) ||
      failed(verifyEntryReference(program, stage, "fit", stage.getFitAttr(), EntryKind::Fit)) ||
      failed(verifyEntryReference(program, stage, "eval", stage.getEvalAttr(), EntryKind::Eval)) ||
      failed(verifyEntryReference(program, stage, "predict", stage.getPredictAttr(),
                                  {EntryKind::Predict, EntryKind::Eval})))
    return failure();
  auto lookup = [&](SymbolRefAttr name) { return ::mlir::SymbolTable::lookupSymbolIn(program, name); };
  if (stage.getTrains())
    for (auto name : stage.getTrains()->getAsRange<SymbolRefAttr>()) {
      Operation* target = lookup(name);
      auto group = isa_and_nonnull<StateOp>(target) ? cast<StateOp>(target).getGroup()
                                                    : dyn_cast_or_null<StateGroupOp>(target);
      if (!group) return stage.emitOpError("trains the unknown state or group ") << name;
      if (!group.getTrainable())
        return stage.emitOpError("trains ")
               << name << " but group @" << group.getSymName() << " is not trainable";
    }
  if (stage.getInitialises())
    for (auto name : stage.getInitialises()->getAsRange<SymbolRefAttr>())
      if (!isa_and_nonnull<StateGroupOp>(lookup(name)))
        return stage.emitOpError("initialises the unknown group ") << name;
  return success();
}

// --- what only the program can check

LogicalResult ProgramOp::verifyRegions() {
  ControlOp control;
  StagePlanOp plan;
  for (Operation& op : getBody().front()) {
    if (!isa<StateGroupOp, ControlOp, BodyOp, EntryOp, KernelOp, StagePlanOp>(op))
      return op.emitOpError(
          "is not a part of a tailor.program (state_group, control, body, entry, kernel, stage_plan)");
    if (auto second = dyn_cast<ControlOp>(op)) {
      if (control) return second.emitOpError("is the second control block of program @") << getSymName();
      control = second;
    }
    if (auto second = dyn_cast<StagePlanOp>(op)) {
      if (plan) return second.emitOpError("is the second stage plan of program @") << getSymName();
      plan = second;
    }
  }
  // Names that lead out of a group or of the stage plan: those verify before the parts they name, so the
  // check waits until all parts are sound.
  for (auto group : getOps<StateGroupOp>())
    for (auto state : group.getOps<StateOp>())
      if (failed(verifyCopy(*this, state))) return failure();
  if (plan)
    for (auto stage : plan.getOps<StageOp>())
      if (failed(verifyStage(*this, stage))) return failure();
  return verifyVariants(*this);
}

} // namespace tailor::ir
