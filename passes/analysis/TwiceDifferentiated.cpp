#include "passes/analysis/TwiceDifferentiated.h"

using namespace mlir;

namespace tailor::passes {
namespace {

/// The bodies that a symbol names and those that they call, in any depth.
void addWithCallees(Operation* user, FlatSymbolRefAttr name, llvm::DenseSet<Operation*>& bodies) {
  auto body = SymbolTable::lookupNearestSymbolFrom<ir::BodyOp>(user, name);
  if (!body || !bodies.insert(body).second) return;
  body->walk([&](ir::CallOp call) { addWithCallees(call, call.getCalleeAttr(), bodies); });
}

} // namespace

TwiceDifferentiated::TwiceDifferentiated(Operation* scope) {
  // A body that holds a gradient and is differentiated makes the body of that gradient one of ours; so does one that
  // is ours already.
  llvm::DenseSet<Operation*> once;
  scope->walk([&](ir::ValueAndGradOp op) { addWithCallees(op, op.getCalleeAttr(), once); });
  scope->walk([&](ir::ValueAndGradOp op) {
    if (once.contains(op->getParentOfType<ir::BodyOp>())) addWithCallees(op, op.getCalleeAttr(), bodies_);
  });
}

} // namespace tailor::passes
