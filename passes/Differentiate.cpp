// Reverse-mode differentiation of bodies. The rules live beside the ops
// (DifferentiableOpInterface::buildVjp); this file finds out which values need a cotangent, asks the rules in
// reverse order, and adds the contributions up.
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/analysis/TwiceDifferentiated.h"
#include "passes/EraseDead.h"
#include "passes/InlineCall.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "differentiate";

bool isFloat(Value value) {
  return ir::isFloatTensor(value.getType());
}

/// Gives every op that a rule builds its provenance: `vjp_of` = the op_id of the primal op, and an `op_id` of
/// its own (made once per vjp body, so that all calls of the body share it).
class Provenance : public OpBuilder::Listener {
public:
  explicit Provenance(int64_t& nextId) : nextId_(nextId) {}

  void enter(Operation* primal) { primal_ = primal; }

  void notifyOperationInserted(Operation* op, OpBuilder::InsertPoint) override {
    if (!primal_) return;
    if (std::optional<int64_t> id = ir::opId(primal_)) {
      ir::setVjpOf(op, *id);
      ir::setOpId(op, nextId_++);
    }
  }

private:
  int64_t& nextId_;
  Operation* primal_ = nullptr;
};

/// Replaces every call inside `body` by the ops of the called body, repeatedly. The symbol verifier has
/// excluded unknown callees; `active` holds the bodies on the way, so recursion is found here.
LogicalResult inlineCalls(ir::BodyOp body, SymbolTable& symbols, SmallVectorImpl<StringAttr>& active) {
  for (auto call : llvm::to_vector(body.getOps<ir::CallOp>())) {
    auto callee = symbols.lookup<ir::BodyOp>(call.getCallee());
    if (llvm::is_contained(active, callee.getSymNameAttr()))
      return call.emitOpError("calls '") << callee.getSymName() << "' recursively";
    active.push_back(callee.getSymNameAttr());
    ir::BodyOp expanded = callee.clone();
    LogicalResult nested = inlineCalls(expanded, symbols, active);
    active.pop_back();
    if (succeeded(nested)) {
      replaceCall(call, expanded);
    }
    expanded.erase();
    if (failed(nested)) return failure();
  }
  return success();
}

/// Puts what losses and norms stand for in their place: their gradient ops have no derivative. The parts answer to the
/// op's id.
void takeApart(ir::BodyOp body) {
  for (Operation& op : llvm::make_early_inc_range(body.getBlock())) {
    auto whole = dyn_cast<ir::DecomposableOpInterface>(op);
    if (!whole) continue;
    OpBuilder builder(&op);
    Operation* before = op.getPrevNode();
    SmallVector<Value> parts = whole.decompose(builder);
    for (Operation* made = before ? before->getNextNode() : &body.getBlock().front(); made != &op;
         made = made->getNextNode())
      ir::inheritOrigin(made, &op);
    op.replaceAllUsesWith(parts);
    op.erase();
  }
}

/// The reverse sweep over one body whose calls are inlined.
class ReverseSweep {
public:
  ReverseSweep(ir::BodyOp body, ArrayRef<int64_t> wrt, int64_t& nextId)
      : body_(body), wrt_(wrt), builder_(body.getContext()), provenance_(nextId) {
    builder_.setListener(&provenance_);
  }

  /// Appends the backward ops and extends the return by one gradient per `wrt` argument.
  LogicalResult run() {
    ir::ReturnOp terminator = body_.getReturn();
    Value loss = terminator->getOperand(0); // a float scalar, says the verifier of value_and_grad
    auto lossType = cast<RankedTensorType>(loss.getType());

    for (int64_t index : wrt_)
      varying_.insert(body_.getArgument(index));
    markVarying();

    SmallVector<Operation*> forward;
    for (Operation& op : body_.getBlock().without_terminator())
      forward.push_back(&op);
    builder_.setInsertionPoint(terminator);
    if (varying_.contains(loss))
      cotangents_[loss] = ir::ConstantOp::create(builder_, terminator->getLoc(), lossType, 1.0);
    for (Operation* op : llvm::reverse(forward))
      if (failed(visit(op))) return failure();

    SmallVector<Value> results(terminator->getOperands());
    for (int64_t index : wrt_)
      results.push_back(gradientOf(index));
    terminator->setOperands(results);
    body_.setFunctionType(
        FunctionType::get(body_.getContext(), body_.getArgumentTypes(), ValueRange(results).getTypes()));
    return success();
  }

private:
  /// A value varies if it depends on a `wrt` argument along a path on which a gradient may be asked for. A
  /// region (of a repeat) depends on what it uses from outside as much as on its operands.
  void markVarying() {
    for (Operation& op : body_.getBlock().without_terminator()) {
      SetVector<Value> read(op.operand_begin(), op.operand_end());
      getUsedValuesDefinedAbove(op.getRegions(), read);
      if (isa<ir::StopGradientOp>(op) || llvm::none_of(read, [&](Value v) { return varying_.contains(v); }))
        continue;
      for (Value result : op.getResults())
        if (isFloat(result)) varying_.insert(result);
    }
  }

  /// Adds the contributions of one op to the cotangents of its operands.
  LogicalResult visit(Operation* op) {
    SmallVector<Value> incoming;
    for (Value result : op->getResults())
      incoming.push_back(cotangents_.lookup(result));
    if (llvm::none_of(incoming, [](Value v) { return bool(v); })) return success();

    auto rule = dyn_cast<ir::DifferentiableOpInterface>(op);
    if (!rule)
      return op->emitOpError("has no derivative, but the loss depends on a trained value through it")
                 .attachNote(body_.getLoc())
             << "while differentiating '" << body_.getSymName()
             << "'; stop_gradient before this op ends the path";
    SmallVector<bool> needed;
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      bool varies = varying_.contains(operand);
      if (varies && !rule.hasOperandGradient(index))
        return op->emitOpError("has no gradient for operand ")
               << index
               << ", which depends on a trained value; pass it through stop_gradient if it is a constant";
      needed.push_back(varies);
    }

    builder_.setInsertionPoint(body_.getReturn());
    provenance_.enter(op);
    SmallVector<Value> outgoing;
    LogicalResult built = rule.buildVjp(builder_, incoming, needed, outgoing);
    if (failed(built)) return failure();
    for (auto [operand, contribution, wanted] : llvm::zip_equal(op->getOperands(), outgoing, needed))
      if (wanted && contribution) accumulate(operand, contribution, op->getLoc());
    return success();
  }

  void accumulate(Value value, Value contribution, Location loc) {
    Value& sum = cotangents_[value];
    sum = sum ? ir::AddOp::create(builder_, loc, sum, contribution).getResult() : contribution;
  }

  Value gradientOf(int64_t index) {
    Value argument = body_.getArgument(index);
    if (Value gradient = cotangents_.lookup(argument)) return gradient;
    noted(body_.getLoc(), kName, "zero-gradient",
          "argument " + Twine(index) + " of '" + body_.getSymName() +
              "' does not influence the loss; its gradient is 0");
    return ir::ConstantOp::create(builder_, body_.getLoc(), cast<RankedTensorType>(argument.getType()), 0.0);
  }

  ir::BodyOp body_;
  ArrayRef<int64_t> wrt_;
  OpBuilder builder_;
  Provenance provenance_;
  DenseSet<Value> varying_;
  DenseMap<Value, Value> cotangents_;
};

/// Makes the vjp bodies of one program and replaces its value_and_grad ops.
class ProgramDifferentiator {
public:
  ProgramDifferentiator(ir::ProgramOp program, bool trivial)
      : program_(program), symbols_(program), twice_(program), trivial_(trivial) {
    program.walk([&](Operation* op) { nextId_ = std::max(nextId_, ir::opId(op).value_or(-1) + 1); });
  }

  LogicalResult run() {
    SmallVector<ir::ValueAndGradOp> ops;
    program_.walk([&](ir::ValueAndGradOp op) { ops.push_back(op); });
    // Inner bodies first: a body that differentiates another one must hold plain calls when its own turn
    // comes.
    llvm::stable_sort(ops, [](ir::ValueAndGradOp a, ir::ValueAndGradOp b) {
      return bool(a->getParentOfType<ir::BodyOp>()) > bool(b->getParentOfType<ir::BodyOp>());
    });
    for (ir::ValueAndGradOp op : ops)
      if (failed(replace(op))) return failure();
    for (ir::BodyOp primal : primals_)
      if (SymbolTable::symbolKnownUseEmpty(primal, program_)) symbols_.erase(primal);
    return success();
  }

private:
  LogicalResult replace(ir::ValueAndGradOp op) {
    auto primal = symbols_.lookup<ir::BodyOp>(op.getCallee());
    if (primal.getBlock().walk([](ir::ValueAndGradOp) { return WalkResult::interrupt(); }).wasInterrupted())
      return op.emitOpError("differentiates '")
             << primal.getSymName() << "', which differentiates another body after it in the program";
    FailureOr<ir::BodyOp> vjp = vjpOf(primal, op.getWrt());
    if (failed(vjp)) return failure();
    OpBuilder builder(op);
    auto call = ir::CallOp::create(builder, op.getLoc(), *vjp, op.getArguments());
    ir::inheritOrigin(call, op.getOperation());
    op.replaceAllUsesWith(call.getResults());
    op.erase();
    return success();
  }

  FailureOr<ir::BodyOp> vjpOf(ir::BodyOp primal, ArrayRef<int64_t> wrt) {
    std::pair<Operation*, std::vector<int64_t>> key(primal, wrt.vec());
    if (ir::BodyOp known = trivial_ ? ir::BodyOp() : made_[key]) return known;
    ir::BodyOp vjp = primal.clone();
    vjp.setSymName(freshName(primal.getSymName()));
    symbols_.insert(vjp, std::next(Block::iterator(primal)));
    SmallVector<StringAttr> active{primal.getSymNameAttr()};
    if (failed(inlineCalls(vjp, symbols_, active))) return failure();
    if (twice_.contains(primal)) takeApart(vjp);
    if (failed(ReverseSweep(vjp, wrt, nextId_).run())) return failure();
    if (!trivial_) eraseDeadOps(vjp.getBlock());
    primals_.insert(primal);
    return made_[key] = vjp;
  }

  std::string freshName(StringRef primal) {
    std::string name = (primal + ".vjp").str();
    for (unsigned copy = 2; symbols_.lookup(name); ++copy)
      name = (primal + ".vjp." + Twine(copy)).str();
    return name;
  }

  ir::ProgramOp program_;
  SymbolTable symbols_;
  TwiceDifferentiated twice_;
  bool trivial_;
  int64_t nextId_ = 0;
  std::map<std::pair<Operation*, std::vector<int64_t>>, ir::BodyOp> made_;
  llvm::SetVector<ir::BodyOp> primals_;
};

struct Differentiate : impl::DifferentiatePassBase<Differentiate> {
  using DifferentiatePassBase::DifferentiatePassBase;

  void runOnOperation() override {
    for (auto program : getOperation().getOps<ir::ProgramOp>())
      if (failed(ProgramDifferentiator(program, trivial).run())) return signalPassFailure();
  }
};

} // namespace
} // namespace tailor::passes
