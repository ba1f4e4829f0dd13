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
                           ControlWriter writer) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getWriterAttrName(state.name), ControlWriterAttr::get(builder.getContext(), writer));
}

/// Key and options prefix are there if the source reads them, and the type holds what it gives.
static LogicalResult verifySource(ControlFieldOp field) {
  if (!field.getSource()) {
    if (field.getKey() || field.getOptionsPrefix())
      return field.emitOpError(
          "has an option but not what is evaluated from it: from(option), from(schedule), ...");
    return success();
  }
  const FieldSource source = *field.getSource();
  const StringRef word = stringifyFieldSource(source);
  if (field.getValue())
    return field.emitOpError("is evaluated from ") << word << " or is a constant, not both";
  const bool takesKey = source != FieldSource::RandomUniform;
  if (takesKey != field.getKey().has_value())
    return field.emitOpError("from(") << word << (takesKey ? ") needs a key" : ") takes no key");
  const bool takesPrefix = source == FieldSource::Schedule || source == FieldSource::AverageDecay;
  if (takesPrefix != field.getOptionsPrefix().has_value())
    return field.emitOpError("from(") << word
                                      << (takesPrefix ? ") needs options, the prefix of what shapes it"
                                                      : ") takes no options beside its key");
  const bool isRow = source == FieldSource::EpochRow || source == FieldSource::FractionRow;
  Type element = field.getTensorType().getElementType();
  if (isRow && (!element.isInteger(32) || field.getTensorType().getRank() != 0))
    return field.emitOpError("from(") << word << ") is one row number, tensor<i32>, not " << field.getType();
  const bool isRandom = source == FieldSource::RandomUniform || source == FieldSource::RandomBeta;
  if (isRandom && (!isa<FloatType>(element) || field.getTensorType().getRank() != 0))
    return field.emitOpError("from(") << word << ") is one floating-point number, not " << field.getType();
  return success();
}

LogicalResult ControlFieldOp::verify() {
  if (!getTensorType().hasStaticShape() || getTensorType().getRank() > 1)
    return emitOpError("expects a scalar or a short vector, got ") << getType();
  if (getWriter() == ControlWriter::Device && (getSource() || getKey() || getValue()))
    return emitOpError("is written by the device; it takes neither source, key nor value");
  if (getKey() && getValue())
    return emitOpError("takes its value from key '") << *getKey() << "' or from a constant, not from both";
  return verifySource(*this);
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
  if (std::optional<ArrayAttr> copies = getCopies())
    for (Attribute copy : *copies) {
      auto pair = dyn_cast<ArrayAttr>(copy);
      if (!pair || pair.size() != 2 || !llvm::all_of(pair, llvm::IsaPred<FlatSymbolRefAttr>))
        return emitOpError("expects copies as pairs of groups [@from, @to], got ") << copy;
    }
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

/// Both groups hold states of the same names and types, in the same order.
static LogicalResult verifyStageCopy(StageOp stage, StateGroupOp from, StateGroupOp to) {
  auto sources = llvm::to_vector(from.getOps<StateOp>()), targets = llvm::to_vector(to.getOps<StateOp>());
  if (sources.size() != targets.size())
    return stage.emitOpError("copies @") << from.getSymName() << " of " << sources.size() << " states to @"
                                         << to.getSymName() << " of " << targets.size();
  for (auto [source, target] : llvm::zip_equal(sources, targets))
    if (source.getSymName() != target.getSymName() || source.getType() != target.getType())
      return stage.emitOpError("copies @")
             << from.getSymName() << " to @" << to.getSymName() << ", but '" << source.getSymName() << "' is "
             << source.getType() << " and '" << target.getSymName() << "' is " << target.getType();
  return success();
}

/// The control field that a step's log shows as its rate is one of the host's.
static LogicalResult verifyLearningRate(ProgramOp program, EntryOp entry) {
  FlatSymbolRefAttr name = entry.getLearningRateAttr();
  if (!name) return success();
  ControlOp control = program.getControl();
  auto field = control
                   ? dyn_cast_or_null<ControlFieldOp>(SymbolTable::lookupSymbolIn(control, name.getAttr()))
                   : ControlFieldOp();
  if (!field) return entry.emitOpError("takes its learning rate from the unknown control field ") << name;
  if (field.getWriter() != ControlWriter::Host || field.getTensorType().getRank() != 0)
    return entry.emitOpError("takes its learning rate from ")
           << name << ", which is no scalar the host writes";
  return success();
}

/// What a stage names: entries, states and groups of its program.
static LogicalResult verifyStage(ProgramOp program, StageOp stage) {
  if (failed(verifyEntryReference(program, stage, "entry", stage.getEntryAttr(), EntryKind::Step)) ||
      failed(verifyEntryReference(program, stage, "fit", stage.getFitAttr(), EntryKind::Fit)) ||
      failed(verifyEntryReference(program, stage, "eval", stage.getEvalAttr(), EntryKind::Eval)))
    return failure();
  auto lookup = [&](SymbolRefAttr name) { return ::mlir::SymbolTable::lookupSymbolIn(program, name); };
  if (std::optional<ArrayAttr> copies = stage.getCopies())
    for (auto pair : copies->getAsRange<ArrayAttr>()) {
      StateGroupOp groups[2];
      for (unsigned i = 0; i < 2; ++i) {
        auto name = cast<FlatSymbolRefAttr>(pair[i]);
        groups[i] = dyn_cast_or_null<StateGroupOp>(lookup(name));
        if (!groups[i]) return stage.emitOpError("copies the unknown group ") << name;
      }
      if (failed(verifyStageCopy(stage, groups[0], groups[1]))) return failure();
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
  // Names that lead out of a group, an entry or the stage plan: those verify before the parts they name, so the
  // check waits until all parts are sound.
  for (auto group : getOps<StateGroupOp>())
    for (auto state : group.getOps<StateOp>())
      if (failed(verifyCopy(*this, state))) return failure();
  for (auto entry : getOps<EntryOp>())
    if (failed(verifyLearningRate(*this, entry))) return failure();
  if (plan)
    for (auto stage : plan.getOps<StageOp>()) {
      if (failed(verifyStage(*this, stage))) return failure();
      if (stage.getContinues() && &plan.getBody().front().front() == stage.getOperation())
        return stage.emitOpError("is the first stage; there is nothing it continues");
    }
  return verifyVariants(*this);
}

} // namespace tailor::ir
