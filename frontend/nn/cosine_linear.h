#pragma once

#include "frontend/nn/module.h"

namespace tailor::nn {

/// Cosine of the angle between a row and the weight of each class: the head of LDAM.
///
///   y[n, k] = <x[n] / |x[n]|, W[k] / |W[k]|>,   norms at least 1e-12, so a row of zeros gives 0
///
/// Shapes   x [N, in] -> [N, out]; weight [out, in]. No bias: it would not be an angle.
/// Init     weight U(-sqrt(3/in), sqrt(3/in)): rows of length 1 in the mean square. The reference draws U(-1, 1) and makes
///          each length exactly 1: the same law of directions, and only these enter y.
/// Errors   TraceError if x is not rows of `in` features.
/// Source   methods.md 2.4.
class CosineLinear : public Layer {
public:
  CosineLinear(std::int64_t in_features, std::int64_t out_features);
  Array operator()(const Operand& x, const Context& context) override;

private:
  Tensor weight_;
};

} // namespace tailor::nn
