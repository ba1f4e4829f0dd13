#include "frontend/nn/linear.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/linear_algebra.h"

#include <cmath>

namespace tailor::nn {

namespace {

InitRule fan_in_uniform(std::int64_t fan_in) {
  return InitRule::uniform(1.0 / std::sqrt(static_cast<double>(fan_in)));
}

} // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options)
    : weight_({DType::f32, {out_features, in_features}},
              options.init ? *options.init : fan_in_uniform(in_features), State::Role::parameter, false) {
  if (in_features < 1 || out_features < 1)
    throw TraceError("linear",
                     "needs at least one feature on each side, not " + std::to_string(in_features) + " -> " +
                         std::to_string(out_features),
                     {});
  add("weight", weight_);
  if (options.bias) {
    bias_.emplace(TensorType{DType::f32, {out_features}}, fan_in_uniform(in_features), State::Role::parameter,
                  true);
    add("bias", *bias_);
  }
}

Array Linear::operator()(const Operand& x, const Context& context) {
  Location location = x.location();
  LocationScope scope(location);
  Array input = detail::value_of(x);
  Array weight = weight_.read(location);
  if (input.rank() != 2 || input.shape()[1] != weight.shape()[1])
    detail::fail("linear",
                 "expects rows of " + std::to_string(weight.shape()[1]) + " features, not " +
                     to_string(input.type()),
                 location);
  Array y =
      dot(input, weight, {.lhs_batch = {}, .rhs_batch = {}, .lhs_contracting = {1}, .rhs_contracting = {1}});
  return bias_ ? y + bias_->read(location) : y;
}

} // namespace tailor::nn
