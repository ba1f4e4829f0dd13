#pragma once

#include "backend/reference/Evaluators.h"

namespace tailor::backend::reference {

/// What an op that adds up terms adds up: the sums of their magnitudes, a tensor for each result, which is empty where that
/// is no sum. A sum that cancels has the rounding of its terms, not of what is left. No tensors for an op without sums.
///
///   y = sum_i t_i   ->   sum_i |t_i|
[[nodiscard]] llvm::SmallVector<Tensor> termSizes(mlir::Operation* op, Operands operands);

} // namespace tailor::backend::reference
