#pragma once

#include "frontend/graph/array.h"

namespace tailor {

/// General contraction: result axes are batch, free axes of a, free axes of b. A sum over the rows of a batch adds up
/// those that count (ops/reduction.h).
Array dot(const Operand& a, const Operand& b, const DotOptions& options);
/// a [.., M, P] x b [.., P, N] -> [.., M, N]; leading axes must be equal.
Array matmul(const Operand& a, const Operand& b);

} // namespace tailor
