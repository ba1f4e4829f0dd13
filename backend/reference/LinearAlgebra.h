#pragma once

#include "backend/reference/Tensor.h"

namespace tailor::backend::reference {

struct DotDimensions {
  Shape lhsBatch, rhsBatch, lhsContracting, rhsContracting;
};

/// Sum of products over the contracting dimensions.
///
///   y[batch..., lhs free..., rhs free...] = sum_k lhs[batch, free, k] * rhs[batch, free, k]
///
/// Free dimensions keep their order. A plain matrix product is lhsContracting {1}, rhsContracting {0}.
[[nodiscard]] Tensor dot(const Tensor& lhs, const Tensor& rhs, const DotDimensions& dimensions);

} // namespace tailor::backend::reference
