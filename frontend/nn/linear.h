#pragma once

#include "frontend/nn/module.h"

#include <optional>

namespace tailor::nn {

struct LinearOptions {
  bool bias = true;
  /// Weight init; default U(+-1/sqrt(in)). Bias is always that.
  std::optional<InitRule> init = std::nullopt;
};

/// y = x W^T + b.
/// Shapes   x [N, in] -> [N, out]; weight [out, in], bias [out].
/// Init     weight and bias U(-1/sqrt(in), 1/sqrt(in)) (methods.md 10), unless LinearOptions::init says
///          otherwise.
class Linear : public Layer {
public:
  Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {});
  Array operator()(const Operand& x, const Context& context) override;

private:
  Tensor weight_;
  std::optional<Tensor> bias_;
};

} // namespace tailor::nn
