// Calls become the ops of the called body. See Passes.td.
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/CSE.h"

#include "ir/Tailor.h"
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
    }
  }
};

} // namespace
} // namespace tailor::passes
