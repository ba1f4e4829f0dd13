#include "frontend/nn/layer_norm.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/normalization.h"
#include "runtime/base/status.h"

namespace tailor::nn {

LayerNorm::LayerNorm(std::int64_t features, double epsilon)
    : epsilon_(epsilon), weight_({DType::f32, {features}}, InitRule::ones(), State::Role::parameter, true),
      bias_({DType::f32, {features}}, InitRule::zeros(), State::Role::parameter, true) {
  if (features < 1 || !(epsilon > 0))
    detail::fail("layer_norm",
                 runtime::concat("needs a feature and an epsilon above 0, not ", features, " and ", epsilon),
                 {});
  add("weight", weight_);
  add("bias", bias_);
}

Array LayerNorm::operator()(const Operand& x, const Context& context) {
  LocationScope scope(x.location());
  return layer_norm(x, weight_.read(x.location()), bias_.read(x.location()), epsilon_);
}

} // namespace tailor::nn
