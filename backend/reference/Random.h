#pragma once

#include "backend/reference/Tensor.h"
#include "runtime/base/philox.h"

/// Draws keyed by what they are for (runtime/base/philox.h). Dimension 0 of a result is the batch row, the
/// rest is the element within the row in row-major order; a scalar is element 0 of row 0.
namespace tailor::backend::reference {

/// tensor<8xi32> as the dialect carries them.
[[nodiscard]] runtime::RngState rngStateFrom(const Tensor& rng); ///< from tensor<4xi32>
[[nodiscard]] runtime::RandomKey randomKeyFrom(const Tensor& key);
[[nodiscard]] Tensor toTensor(const runtime::RandomKey& key);

/// low + (high - low) * uniform
[[nodiscard]] Tensor randomUniform(const runtime::RandomKey& key, Element element, const Shape& shape,
                                   double low, double high);
/// mean + std * normal
[[nodiscard]] Tensor randomNormal(const runtime::RandomKey& key, Element element, const Shape& shape,
                                  double mean, double std);
/// i1, true with `probability`
[[nodiscard]] Tensor bernoulli(const runtime::RandomKey& key, const Shape& shape, double probability);
/// i32 [n]: a permutation of the first `valid` places, by increasing (word of element i of row 0, i);
/// places >= valid stay, so mixing partners of valid rows are valid rows.
[[nodiscard]] Tensor randomPermutation(const runtime::RandomKey& key, int64_t n, int64_t valid);

} // namespace tailor::backend::reference
