#include "frontend/nn/cosine_linear.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/linear_algebra.h"
#include "frontend/ops/reduction.h"
#include "runtime/base/status.h"

#include <cmath>

namespace tailor::nn {

namespace {

/// Bound of a uniform law whose rows of `in` elements have a mean square length of 1.
double unit_length_bound(std::int64_t in) {
  if (in < 1)
    throw TraceError("cosine_linear", runtime::concat("needs at least one feature to come in, not ", in), {});
  return std::sqrt(3.0 / static_cast<double>(in));
}

} // namespace

CosineLinear::CosineLinear(std::int64_t in_features, std::int64_t out_features)
    : weight_({DType::f32, {out_features, in_features}}, InitRule::uniform(unit_length_bound(in_features)),
              State::Role::parameter, false) {
  if (out_features < 1)
    throw TraceError("cosine_linear", runtime::concat("needs at least one class, not ", out_features), {});
  add("weight", weight_);
}

Array CosineLinear::operator()(const Operand& x, const Context&) {
  Location location = x.location();
  LocationScope scope(location);
  Array input = detail::value_of(x);
  Array weight = weight_.read(location);
  if (input.rank() != 2 || input.shape()[1] != weight.shape()[1])
    detail::fail(
        "cosine_linear",
        runtime::concat("expects rows of ", weight.shape()[1], " features, not ", to_string(input.type())),
        location);
  return dot(l2_normalize(input, 1), l2_normalize(weight, 1),
             {.lhs_batch = {}, .rhs_batch = {}, .lhs_contracting = {1}, .rhs_contracting = {1}});
}

} // namespace tailor::nn
