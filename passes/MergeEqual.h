// Common subexpressions, by what ops compute and not by where they come from: op_id and location are ignored,
// so that a value written twice in the user's program, or needed by two backward rules, is computed once.
#pragma once

#include "mlir/IR/Block.h"

namespace tailor::passes {

/// Replaces every pure op without regions by an equal earlier op of the same block. Draws are equal only if
/// their keys are (op_id is part of a key). Returns the number of ops removed.
unsigned mergeEqualOps(mlir::Block& block);

} // namespace tailor::passes
