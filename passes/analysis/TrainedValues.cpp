#include "passes/analysis/TrainedValues.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace tailor::passes {

TrainedValues::TrainedValues(Operation* scope) {
  scope->walk([&](ir::ValueAndGradOp op) {
    if (auto body = SymbolTable::lookupNearestSymbolFrom<ir::BodyOp>(op, op.getCalleeAttr()))
      for (int64_t index : op.getWrt())
        arguments_.insert(body.getArgument(index));
  });
  // Calls nest, so what one pass finds may make the operands of another call trained.
  bool changed = true;
  auto follow = [&](Operation* call, FlatSymbolRefAttr callee) {
    auto body = SymbolTable::lookupNearestSymbolFrom<ir::BodyOp>(call, callee);
    if (!body) return;
    for (auto [operand, argument] : llvm::zip(call->getOperands(), body.getArguments()))
      if (!arguments_.contains(argument) && contains(operand)) {
        arguments_.insert(argument);
        changed = true;
      }
  };
  while (changed) {
    changed = false;
    scope->walk([&](Operation* op) {
      if (auto call = dyn_cast<ir::CallOp>(op)) follow(op, call.getCalleeAttr());
      if (auto gradient = dyn_cast<ir::ValueAndGradOp>(op)) follow(op, gradient.getCalleeAttr());
    });
  }
}

bool TrainedValues::contains(Value value) const {
  SmallVector<Value> open{value};
  DenseSet<Value> seen;
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!seen.insert(next).second) continue;
    if (arguments_.contains(next)) return true;
    Operation* op = next.getDefiningOp();
    if (!op && !isa<ir::BodyOp>(next.getParentBlock()->getParentOp()))
      op = next.getParentBlock()->getParentOp(); // a loop-carried value starts as an operand of the loop
    if (op && !isa<ir::StopGradientOp, ir::EntryOp>(op)) llvm::append_range(open, op->getOperands());
  }
  return false;
}

} // namespace tailor::passes
