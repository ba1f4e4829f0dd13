#pragma once

#include "frontend/nn/module.h"

namespace tailor::nn {

struct BatchNormOptions {
  double momentum = 0.1;
  double epsilon = 1e-5;
  /// Of the weight; zeros make a residual block start as its shortcut.
  InitRule init = InitRule::ones();
};

/// Batch normalisation over all axes but the last: [N, C] and [N, H, W, C].
///
/// Training   (x - mean) / sqrt(var + eps) * weight + bias with the biased statistics of the valid rows;
///            running <- (1 - m) running + m batch, variance unbiased (methods.md 4.5), m the momentum or
///            Context::statistics_share.
/// Otherwise  the running statistics; also where these are frozen (Step::freeze).
/// Init       weight BatchNormOptions::init, bias 0, running_mean 0, running_var 1.
class BatchNorm : public Layer {
public:
  explicit BatchNorm(std::int64_t channels, const BatchNormOptions& options = {});
  Array operator()(const Operand& x, const Context& context) override;

private:
  BatchNormOptions options_;
  Tensor weight_, bias_, running_mean_, running_var_;
};

} // namespace tailor::nn
