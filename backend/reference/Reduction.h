#pragma once

#include "backend/reference/Tensor.h"

/// Ops that combine elements along dimensions. Every sum runs in row-major order of the operand.
namespace tailor::backend::reference {

enum class Reduction : uint8_t { sum, max, min, mean };

/// Combines over `dims`, which leave the shape. An empty sum is 0, an empty mean 0, an empty max -inf, an
/// empty min +inf.
[[nodiscard]] Tensor reduce(const Tensor& x, const Shape& dims, Reduction reduction);
/// i32: place of the largest element along `dimension`; the first one when several are equal; a NaN wins over
/// all.
[[nodiscard]] Tensor argmax(const Tensor& x, int64_t dimension);
/// i32: the stable order that sorts along `dimension`: x[perm[0]] <= x[perm[1]] <= ... (>= when descending).
/// NaN sorts last either way.
[[nodiscard]] Tensor sortPermutation(const Tensor& x, int64_t dimension, bool descending);

/// log sum_l exp(x[l]) along `dimension`, which leaves the shape; shifted by the maximum.
[[nodiscard]] Tensor logsumexp(const Tensor& x, int64_t dimension);
/// exp(x - logsumexp(x)) along `dimension`.
[[nodiscard]] Tensor softmax(const Tensor& x, int64_t dimension);
/// x - logsumexp(x) along `dimension`.
[[nodiscard]] Tensor logSoftmax(const Tensor& x, int64_t dimension);
/// x / max(sqrt(sum_l x[l]^2), epsilon) along `dimension`.
[[nodiscard]] Tensor l2Normalize(const Tensor& x, int64_t dimension, double epsilon);
/// Mean over the first `valid` rows: y[...] = sum_{n < valid} x[n, ...] / max(valid, 1); 0 when there are
/// none.
[[nodiscard]] Tensor maskedMean(const Tensor& x, int64_t valid);

} // namespace tailor::backend::reference
