// Calls become the ops of the called body. See Passes.td.
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/CSE.h"

#include "ir/Tailor.h"
#include "passes/EraseDead.h"
#include "passes/InlineCall.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_INLINEBODIESPASS
#include "passes/Passes.h.inc"

void replaceCall(ir::CallOp call, ir::BodyOp callee) {
  OpBuilder builder(call);
  IRMapping mapping;
  mapping.map(callee.getArguments(), call.getArguments());
  for (Operation& op : callee.getBlock().without_terminator())
    builder.clone(op, mapping);
  for (auto [result, value] : llvm::zip_equal(call.getResults(), callee.getReturn().getValues()))
    result.replaceAllUsesWith(mapping.lookup(value));
  call.erase();
}

namespace {

/// Ops that are no maps: what a kernel is for.
size_t numPrincipal(Block& block) {
  return size_t(llvm::count_if(block.without_terminator(),
                               [](Operation& op) { return !ir::isMapClass(ir::fusionClassOf(&op)); }));
}

/// Inlines the calls of one entry (or repeat) until none is left; `active` holds the bodies on the way.
class Inliner {
public:
  explicit Inliner(ir::ProgramOp program) : symbols_(program) {}

  LogicalResult inlineInto(Operation* scope) {
    SmallVector<ir::CallOp> calls;
    scope->walk([&](ir::CallOp call) { calls.push_back(call); });
    for (ir::CallOp call : calls) {
      FailureOr<ir::BodyOp> callee = expanded(call);
      if (failed(callee)) return failure();
      replaceCall(call, *callee);
    }
    return success();
  }

private:
  /// The called body with its own calls inlined.
  FailureOr<ir::BodyOp> expanded(ir::CallOp call) {
    auto body = symbols_.lookup<ir::BodyOp>(call.getCallee());
    if (done_.contains(body)) return body;
    if (!active_.insert(body)) return call.emitOpError("calls '") << body.getSymName() << "' recursively";
    if (failed(inlineInto(body))) return failure();
    active_.remove(body);
    done_.insert(body);
    return body;
  }

  SymbolTable symbols_;
  llvm::SetVector<ir::BodyOp> active_;
  DenseSet<Operation*> done_;
};

/// Leaves out of a group what nobody reads here: the body was made for all who call it. Not where the op that makes the kind of
/// the group would go with it.
void leaveOutUnread(ir::FusedOp fused) {
  if (llvm::none_of(fused.getResults(), [](Value result) { return result.use_empty(); })) return;
  ir::FusedOp part = cast<ir::FusedOp>(OpBuilder(fused).clone(*fused));
  SmallVector<Value> read, yielded;
  for (auto [result, value] :
       llvm::zip_equal(fused.getResults(), part.getBlock().getTerminator()->getOperands()))
    if (!result.use_empty()) {
      read.push_back(result);
      yielded.push_back(value);
    }
  part.getBlock().getTerminator()->setOperands(yielded);
  const size_t before = numPrincipal(part.getBlock());
  eraseDeadOps(part.getBlock());
  if (read.empty() || numPrincipal(part.getBlock()) < before) return part.erase();
  SmallVector<Value> operands;
  llvm::BitVector unread(part.getBlock().getNumArguments());
  for (auto [operand, argument] : llvm::zip_equal(part.getOperands(), part.getBlock().getArguments())) {
    unread[argument.getArgNumber()] = argument.use_empty();
    if (!argument.use_empty()) operands.push_back(operand);
  }
  part.getBlock().eraseArguments(unread);
  OpBuilder builder(fused);
  auto made =
      ir::FusedOp::create(builder, fused.getLoc(), ValueRange(read).getTypes(), fused.getKind(), operands);
  made->setDiscardableAttrs(fused->getDiscardableAttrDictionary());
  made->getRegion(0).takeBody(part->getRegion(0));
  for (auto [result, value] : llvm::zip_equal(read, made.getResults()))
    result.replaceAllUsesWith(value);
  part.erase();
  fused.erase();
}

struct InlineBodies : impl::InlineBodiesPassBase<InlineBodies> {
  using InlineBodiesPassBase::InlineBodiesPassBase;

  void runOnOperation() override {
    for (auto program : getOperation().getOps<ir::ProgramOp>()) {
      WalkResult left = program.walk([](ir::ValueAndGradOp op) {
        op.emitOpError("must be differentiated before bodies are inlined");
        return WalkResult::interrupt();
      });
      if (left.wasInterrupted()) return signalPassFailure();
      Inliner inliner(program);
      for (auto entry : program.getOps<ir::EntryOp>())
        if (failed(inliner.inlineInto(entry))) return signalPassFailure();
      for (auto body : llvm::make_early_inc_range(program.getOps<ir::BodyOp>()))
        body.erase();
      if (trivial) continue;
      IRRewriter rewriter(&getContext());
      DominanceInfo dominance(program);
      eliminateCommonSubExpressions(rewriter, dominance, program);
      SmallVector<ir::FusedOp> groups;
      program.walk([&](ir::FusedOp fused) { groups.push_back(fused); });
      for (ir::FusedOp fused : llvm::reverse(groups)) // readers first
        leaveOutUnread(fused);
    }
  }
};

} // namespace
} // namespace tailor::passes
