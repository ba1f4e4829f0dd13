#include "frontend/nn/conv2d.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/convolution.h"
#include "frontend/ops/elementwise.h"

#include <cmath>

namespace tailor::nn {

namespace {

std::int64_t fan_in(std::int64_t in_channels, const Conv2dOptions& options) {
  if (in_channels < 1 || options.kernel < 1 || options.groups < 1 || in_channels % options.groups ||
      options.stride < 1 || options.dilation < 1 || options.padding < 0)
    throw TraceError("conv2d",
                     std::to_string(in_channels) + " channels, kernel " + std::to_string(options.kernel) +
                         ", " + std::to_string(options.groups) + " groups, stride " +
                         std::to_string(options.stride) + ", dilation " + std::to_string(options.dilation) +
                         " and padding " + std::to_string(options.padding) + " do not make a convolution",
                     {});
  return in_channels / options.groups * options.kernel * options.kernel;
}

InitRule default_init(std::int64_t fan) {
  return InitRule::uniform(1.0 / std::sqrt(static_cast<double>(fan)));
}

} // namespace

InitRule kaiming_normal(std::int64_t fan) {
  return InitRule::normal(std::sqrt(2.0 / static_cast<double>(fan)));
}

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, const Conv2dOptions& options)
    : conv_{.strides = {options.stride, options.stride},
            .padding = {options.padding, options.padding, options.padding, options.padding},
            .dilation = {options.dilation, options.dilation},
            .groups = options.groups},
      weight_({DType::f32, {out_channels, in_channels / options.groups, options.kernel, options.kernel}},
              options.init ? *options.init : default_init(fan_in(in_channels, options)),
              State::Role::parameter, false) {
  add("weight", weight_);
  if (options.bias) {
    bias_.emplace(TensorType{DType::f32, {out_channels}}, default_init(fan_in(in_channels, options)),
                  State::Role::parameter, true);
    add("bias", *bias_);
  }
}

Array Conv2d::operator()(const Operand& x, const Context& context) {
  Location location = x.location();
  LocationScope scope(location);
  Array y = conv2d(x, weight_.read(location), conv_);
  return bias_ ? y + bias_->read(location) : y;
}

} // namespace tailor::nn
