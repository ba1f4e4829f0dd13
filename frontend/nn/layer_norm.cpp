#include "frontend/nn/layer_norm.h"

#include "frontend/ops/normalization.h"

namespace tailor::nn {

LayerNorm::LayerNorm(std::int64_t features, double epsilon)
    : epsilon_(epsilon), weight_({DType::f32, {features}}, InitRule::ones(), State::Role::parameter, true),
      bias_({DType::f32, {features}}, InitRule::zeros(), State::Role::parameter, true) {
  add("weight", weight_);
  add("bias", bias_);
}

Array LayerNorm::operator()(const Operand& x, const Context& context) {
  LocationScope scope(x.location());
  return layer_norm(x, weight_.read(x.location()), bias_.read(x.location()), epsilon_);
}

} // namespace tailor::nn
