// Values that depend only on fitted state are computed once. See Passes.td.
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/Attributes.h"
#include "ir/Tailor.h"
#include "passes/EraseDead.h"
#include "passes/FusionBudget.h"
#include "passes/Grouping.h"
#include "passes/MergeEqual.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_HOISTFITTEDPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "hoist-fitted";

/// Which values of a block are fixed once the fitted state is: `isFixed` says it of loads and block
/// arguments.
DenseSet<Value> fixedValues(Block& block, llvm::function_ref<bool(Value)> isFixed) {
  DenseSet<Value> fixed;
  for (BlockArgument argument : block.getArguments())
    if (isFixed(argument)) fixed.insert(argument);
  for (Operation& op : block.without_terminator()) {
    bool derived = isPure(&op) && op.getNumRegions() == 0 && !isa<ir::InputOp, ir::ControlReadOp>(op) &&
                   llvm::all_of(op.getOperands(), [&](Value v) { return fixed.contains(v); });
    for (Value result : op.getResults())
      if (derived || isFixed(result)) fixed.insert(result);
  }
  return fixed;
}

/// Types a state may have: not i1, not bf16.
bool canBeState(Type type) {
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF32() || element.isF64() || element.isInteger(32) || element.isInteger(64);
}

bool escapes(Value value, const DenseSet<Value>& fixed) {
  return llvm::any_of(value.getUsers(), [&](Operation* user) {
    return user->getNumResults() == 0 || !fixed.contains(user->getResult(0));
  });
}

/// Takes out what something not fixed reads and no state can hold (a comparison): it stays where it is, and what it is
/// made of is read there.
void keepUnstorable(Block& block, DenseSet<Value>& fixed) {
  for (Operation& op : llvm::reverse(block.without_terminator()))
    for (Value result : op.getResults())
      if (fixed.contains(result) && !canBeState(result.getType()) && escapes(result, fixed))
        fixed.erase(result);
}

/// Fixed values that took work and that something not fixed reads, in program order.
SmallVector<Value> frontier(Block& block, const DenseSet<Value>& fixed) {
  SmallVector<Value> found;
  for (Operation& op : block.without_terminator()) {
    if (isa<ir::LoadOp>(op) || ir::fusionClassOf(&op) == ir::FusionClass::Leaf) continue;
    for (Value result : op.getResults())
      if (fixed.contains(result) && escapes(result, fixed)) found.push_back(result);
  }
  return found;
}

/// Copies the ops that `value` is computed from, in their order. A state that the block has loaded or stored
/// already is not loaded again.
Value copyExpression(Value value, OpBuilder& builder, IRMapping& mapping) {
  if (Value known = mapping.lookupOrNull(value)) return known;
  Operation* op = value.getDefiningOp();
  if (auto load = dyn_cast<ir::LoadOp>(op))
    for (Operation& other : llvm::reverse(*builder.getInsertionBlock())) {
      auto store = dyn_cast<ir::StoreOp>(other);
      auto earlier = dyn_cast<ir::LoadOp>(other);
      bool isEarlier = builder.getInsertionPoint() == builder.getInsertionBlock()->end() ||
                       other.isBeforeInBlock(&*builder.getInsertionPoint());
      if (isEarlier && store && store.getState() == load.getState()) return store.getValue();
      if (isEarlier && earlier && earlier.getState() == load.getState()) return earlier.getResult();
    }
  for (Value operand : op->getOperands())
    mapping.map(operand, copyExpression(operand, builder, mapping));
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

class FittedHoister {
public:
  FittedHoister(ir::ProgramOp program, FusionBudget& budget) : program_(program), budget_(budget) {
    for (auto group : program.getOps<ir::StateGroupOp>())
      if (group.getKind() == ir::GroupKind::Fitted) groups_.push_back(group);
    for (auto entry : program.getOps<ir::EntryOp>())
      if (entry.getKind() == ir::EntryKind::Fit) fit_ = entry;
  }

  void run() {
    if (groups_.empty()) return;
    findChangingStates();
    for (auto body : program_.getOps<ir::BodyOp>())
      liftOutOf(body);
    for (auto entry : program_.getOps<ir::EntryOp>())
      if (entry.getKind() != ir::EntryKind::Fit && entry.getKind() != ir::EntryKind::Init) hoistOutOf(entry);
    if (fit_) mergeEqualOps(fit_.getBody().front());
  }

private:
  /// A fitted state that some entry other than `fit` stores is not fixed during training.
  void findChangingStates() {
    for (auto entry : program_.getOps<ir::EntryOp>())
      if (entry.getKind() != ir::EntryKind::Fit && entry.getKind() != ir::EntryKind::Init)
        entry.walk([&](ir::StoreOp store) { changing_.insert(store.getState()); });
  }

  bool isFittedLoad(Value value) {
    auto load = value.getDefiningOp<ir::LoadOp>();
    if (!load || changing_.contains(load.getState())) return false;
    ir::StateOp state = program_.lookupState(load.getState());
    return state && state.getGroup().getKind() == ir::GroupKind::Fitted;
  }

  DenseSet<Value> fixedIn(ir::EntryOp entry) {
    return fixedValues(entry.getBody().front(), [&](Value value) { return isFittedLoad(value); });
  }

  // --- bodies

  static SmallVector<Operation*> callsOf(ir::ProgramOp program, ir::BodyOp body) {
    SmallVector<Operation*> calls;
    program.walk([&](Operation* op) {
      auto call = dyn_cast<ir::CallOp>(op);
      auto gradient = dyn_cast<ir::ValueAndGradOp>(op);
      if ((call && call.getCallee() == body.getSymName()) ||
          (gradient && gradient.getCallee() == body.getSymName()))
        calls.push_back(op);
    });
    return calls;
  }

  /// Expressions over arguments that every caller fills with fixed values become new arguments.
  void liftOutOf(ir::BodyOp body) {
    SmallVector<Operation*> calls = callsOf(program_, body);
    if (calls.empty() ||
        llvm::any_of(calls, [](Operation* call) { return !isa<ir::EntryOp>(call->getParentOp()); }))
      return;
    SmallVector<bool> fixedArguments(body.getNumArguments(), true);
    for (Operation* call : calls) {
      DenseSet<Value> fixed = fixedIn(cast<ir::EntryOp>(call->getParentOp()));
      for (auto [index, operand] : llvm::enumerate(call->getOperands()))
        fixedArguments[index] = fixedArguments[index] && fixed.contains(operand);
      if (auto gradient = dyn_cast<ir::ValueAndGradOp>(call))
        for (int64_t index : gradient.getWrt())
          fixedArguments[index] = false;
    }
    DenseSet<Value> fixed = fixedValues(body.getBlock(), [&](Value value) {
      auto argument = dyn_cast<BlockArgument>(value);
      return argument && fixedArguments[argument.getArgNumber()];
    });
    for (Value value : frontier(body.getBlock(), fixed)) {
      if (!budget_.take()) return;
      taken(value.getLoc(), kName, "lifted",
            "a value that only fitted state decides leaves '" + body.getSymName() + "'");
      for (Operation* call : calls) {
        OpBuilder builder(call);
        IRMapping mapping;
        mapping.map(body.getArguments().take_front(call->getNumOperands()), call->getOperands());
        call->insertOperands(call->getNumOperands(), copyExpression(value, builder, mapping));
      }
      appendArgument(body, value);
    }
    eraseDeadOps(body.getBlock());
  }

  static void appendArgument(ir::BodyOp body, Value value) {
    unsigned index = body.getNumArguments();
    (void)body.insertArgument(index, value.getType(), {}, value.getLoc());
    if (ArrayAttr names = body.getArgNamesAttr()) {
      SmallVector<Attribute> extended(names.getValue());
      extended.push_back(StringAttr::get(body.getContext(), "fitted" + Twine(index)));
      body.setArgNamesAttr(ArrayAttr::get(body.getContext(), extended));
    }
    value.replaceAllUsesWith(body.getArgument(index));
  }

  // --- entries

  void hoistOutOf(ir::EntryOp entry) {
    Block& block = entry.getBody().front();
    DenseSet<Value> fixed = fixedIn(entry);
    keepUnstorable(block, fixed);
    for (Value value : frontier(block, fixed)) {
      if (!budget_.take()) return;
      SymbolRefAttr state = stateOf(value);
      OpBuilder builder(value.getDefiningOp());
      auto load = ir::LoadOp::create(builder, value.getLoc(), value.getType(), state);
      taken(value.getLoc(), kName, "hoisted",
            "'" + value.getDefiningOp()->getName().stripDialect() +
                "' depends on fitted state only and is computed once",
            bytesOf(value));
      value.replaceAllUsesWith(load.getResult());
    }
    eraseDeadOps(block);
  }

  /// The state that holds `value`: made in the fit entry, or an equal one that is there already.
  SymbolRefAttr stateOf(Value value) {
    if (!fit_) {
      OpBuilder builder = OpBuilder::atBlockEnd(&program_.getBody().front());
      fit_ = ir::EntryOp::create(builder, program_.getLoc(), "fit", ir::EntryKind::Fit);
    }
    Block& block = fit_.getBody().front();
    OpBuilder builder(block.getTerminator());
    IRMapping mapping;
    Value copy = copyExpression(value, builder, mapping);
    Operation* marker =
        ir::YieldOp::create(builder, value.getLoc(), copy); // keeps `copy` findable while merging
    mergeEqualOps(block);
    copy = marker->getOperand(0);
    marker->erase();
    for (Operation* user : copy.getUsers())
      if (auto store = dyn_cast<ir::StoreOp>(user)) return store.getState();

    ir::StateGroupOp group = groups_.front();
    std::string name;
    do
      name = "derived" + std::to_string(numDerived_++);
    while (SymbolTable::lookupSymbolIn(group, name));
    OpBuilder states = OpBuilder::atBlockEnd(&group.getBody().front());
    auto type = cast<RankedTensorType>(value.getType());
    ir::StateOp::create(states, value.getLoc(), name, type,
                        ir::InitAttr::get(program_.getContext(), ir::InitRule::Zeros));
    auto symbol =
        SymbolRefAttr::get(group.getSymNameAttr(), {FlatSymbolRefAttr::get(program_.getContext(), name)});
    ir::StoreOp::create(builder, value.getLoc(), copy, symbol);
    return symbol;
  }

  ir::ProgramOp program_;
  FusionBudget& budget_;
  SmallVector<ir::StateGroupOp> groups_;
  ir::EntryOp fit_;
  DenseSet<Attribute> changing_;
  unsigned numDerived_ = 0;
};

struct HoistFitted : impl::HoistFittedPassBase<HoistFitted> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    for (auto program : getOperation().getOps<ir::ProgramOp>())
      FittedHoister(program, budget).run();
  }
};

} // namespace
} // namespace tailor::passes
