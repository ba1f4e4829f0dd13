#pragma once

#include "frontend/graph/array.h"

namespace tailor::losses {

/// Weights of the three terms of VICReg and the deviation the hinge asks for.
struct VicregOptions {
  double invariance = 25, variance = 25, covariance = 1; ///< of the authors
  double deviation = 1;                                  ///< gamma
};

/// Variance-invariance-covariance regularisation of two views of the same B rows: alike, but not all the same.
///
///   s = mean (Z - Z')^2                                     over all B D elements
///   v(Z) = 1/D sum_k max(0, gamma - sqrt(var_k(Z) + 1e-4))   unbiased variance of column k
///   c(Z) = 1/D sum_{i != j} C_ij^2,  C = (Z - mean)^T (Z - mean) / (B - 1)
///   loss = invariance s + variance (v(Z) + v(Z')) / 2 + covariance (c(Z) + c(Z'))
///
/// Shapes   z, other: f32 [B, D] -> f32 []. Of the rows of a batch those that count; B - 1 counts as 1 where B is 1, so
///          that one row has variance and covariance 0.
/// Errors   TraceError unless both are matrices of one type.
/// Source   methods.md 6.1; Bardes, Ponce, LeCun 2022, main_vicreg.py of the authors.
Array vicreg(const Operand& z, const Operand& other, const VicregOptions& options = {});

} // namespace tailor::losses
