// Removing what nothing reads.
#pragma once

#include "mlir/IR/Block.h"

namespace tailor::passes {

/// Erases the ops of `block` that have no effect and no users, also those that become so. The terminator
/// stays.
void eraseDeadOps(mlir::Block& block);

} // namespace tailor::passes
