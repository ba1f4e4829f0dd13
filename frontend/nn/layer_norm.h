#pragma once

#include "frontend/nn/module.h"

namespace tailor::nn {

/// Normalises the last axis with its biased variance. Init: weight 1, bias 0.
class LayerNorm : public Layer {
public:
  explicit LayerNorm(std::int64_t features, double epsilon = 1e-5);
  Array operator()(const Operand& x, const Context& context) override;

private:
  double epsilon_;
  Tensor weight_, bias_;
};

} // namespace tailor::nn
