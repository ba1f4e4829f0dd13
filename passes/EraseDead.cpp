#include "passes/EraseDead.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/Operation.h"

using namespace mlir;

namespace tailor::passes {

void eraseDeadOps(Block& block) {
  SmallVector<Operation*> ops;
  for (Operation& op : block.without_terminator())
    ops.push_back(&op);
  for (Operation* op : llvm::reverse(ops))
    if (isOpTriviallyDead(op)) op->erase();
}

} // namespace tailor::passes
