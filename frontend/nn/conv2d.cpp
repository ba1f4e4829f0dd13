#include "frontend/nn/conv2d.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/convolution.h"
#include "frontend/ops/elementwise.h"

#include <cmath>

namespace tailor::nn {

namespace {

/// `options`, if they make a convolution of `in` to `out` channels.
const Conv2dOptions& checked(std::int64_t in, std::int64_t out, const Conv2dOptions& options,
                             const std::source_location& where) {
  const auto fail = [&](const std::string& what) {
    throw TraceError("conv2d", what, LocationScope::resolve(make_location(where)));
  };
  const std::string channels = std::to_string(in) + " -> " + std::to_string(out) + " channels";
  constexpr std::int64_t kMost = std::int64_t{1} << 20; // more than any image or network has
  const auto within = [](std::int64_t number, std::int64_t least) {
    return number >= least && number <= kMost;
  };
  if (!within(in, 1) || !within(out, 1))
    fail("takes 1 to " + std::to_string(kMost) + " channels on each side, not " + channels);
  if (options.groups < 1 || in % options.groups || out % options.groups)
    fail(std::to_string(options.groups) + " groups do not divide " + channels);
  if (!within(options.kernel, 1) || !within(options.stride, 1) || !within(options.dilation, 1) ||
      !within(options.padding, 0))
    fail("kernel " + std::to_string(options.kernel) + ", stride " + std::to_string(options.stride) +
         ", dilation " + std::to_string(options.dilation) + " and padding " +
         std::to_string(options.padding) + " do not make a convolution");
  return options;
}

std::int64_t fan_in(std::int64_t in_channels, const Conv2dOptions& options) {
  return in_channels / options.groups * options.kernel * options.kernel;
}

InitRule default_init(std::int64_t fan) {
  return InitRule::uniform(1.0 / std::sqrt(static_cast<double>(fan)));
}

} // namespace

InitRule kaiming_normal(std::int64_t fan) {
  return InitRule::normal(std::sqrt(2.0 / static_cast<double>(fan)));
}

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, const Conv2dOptions& options,
               const std::source_location& where)
    : conv_{.strides = {checked(in_channels, out_channels, options, where).stride, options.stride},
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
