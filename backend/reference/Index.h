#pragma once

#include "backend/reference/Tensor.h"

/// Ops that read or write places named by an integer tensor. Indices are in range: the interpreter refuses
/// others with an error before it calls these.
namespace tailor::backend::reference {

/// The first index outside [0, bound), or -1.
[[nodiscard]] int64_t findOutOfRange(const Tensor& indices, int64_t bound);

/// Rows of a table: y[i..., c...] = table[indices[i...], c...]
[[nodiscard]] Tensor take(const Tensor& table, const Tensor& indices);
/// One element per row: y[n...] = x[n..., indices[n...]] over the last dimension of x.
[[nodiscard]] Tensor takeAlong(const Tensor& x, const Tensor& indices);
/// The transpose of take: y = base; y[indices[i...], c...] += updates[i..., c...], in the order of i.
[[nodiscard]] Tensor scatterAdd(const Tensor& base, const Tensor& indices, const Tensor& updates);
/// y[n..., k] = (k == indices[n...]); an index outside [0, depth) gives a zero row.
[[nodiscard]] Tensor oneHot(Element element, const Tensor& indices, int64_t depth);

} // namespace tailor::backend::reference
