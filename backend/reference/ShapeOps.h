#pragma once

#include "backend/reference/Tensor.h"

/// Ops that move elements and compute nothing. (`Shape` itself, and reshape, are in Tensor.h.)
namespace tailor::backend::reference {

/// y has `shape`; dimension d of x runs along dimension dims[d] of y, a dimension of size 1 in x is repeated,
/// and x does not vary along the other dimensions of y.
[[nodiscard]] Tensor broadcast(const Tensor& x, const Shape& shape, const Shape& dims);
/// y.shape[d] = x.shape[permutation[d]]
[[nodiscard]] Tensor transpose(const Tensor& x, const Shape& permutation);
/// y[j...] = x[starts + j * strides...], y.shape = shape
[[nodiscard]] Tensor slice(const Tensor& x, const Shape& starts, const Shape& strides, const Shape& shape);
/// Adds low[d] elements before, high[d] after and interior[d] between the elements along dimension d, all
/// `value`.
[[nodiscard]] Tensor pad(const Tensor& x, const Shape& low, const Shape& high, const Shape& interior,
                         double value);
[[nodiscard]] Tensor concat(std::span<const Tensor> parts, int64_t dimension);
/// y[(i + shift) mod length] = x[i] along one dimension, as numpy.roll.
[[nodiscard]] Tensor roll(const Tensor& x, int64_t dimension, int64_t shift);
/// y[..., i, ...] = i along one dimension.
[[nodiscard]] Tensor iota(Element element, const Shape& shape, int64_t dimension);
/// i1 [rows]: y[n] = n < valid
[[nodiscard]] Tensor rowMask(int64_t rows, int64_t valid);

} // namespace tailor::backend::reference
