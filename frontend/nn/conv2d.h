#pragma once

#include "frontend/nn/module.h"

#include <optional>
#include <source_location>

namespace tailor::nn {

struct Conv2dOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 0; ///< on every side
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  /// Weight init; default U(+-1/sqrt(fan_in)), fan_in = in / groups * kernel^2. Bias is always that.
  std::optional<InitRule> init = std::nullopt;
};

/// Shapes   x [N, H, W, in] -> [N, H', W', out]; weight [out, in / groups, kernel, kernel].
/// Errors   TraceError at the line that makes the layer: channels that the groups do not divide, options that make no
///          convolution; at the call: an image smaller than the dilated kernel.
class Conv2d : public Layer {
public:
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, const Conv2dOptions& options = {},
         const std::source_location& where = std::source_location::current());
  Array operator()(const Operand& x, const Context& context) override;

private:
  ConvOptions conv_;
  Tensor weight_;
  std::optional<Tensor> bias_;
};

/// kaiming_normal(fan_in): normal with std sqrt(2 / fan_in); the CIFAR ResNets' init (methods.md 10.2).
InitRule kaiming_normal(std::int64_t fan);

} // namespace tailor::nn
