#pragma once

#include "frontend/graph/array.h"

#include <cstdint>
#include <vector>

/// Multi-tensor ops of the optimizers: one op for all parameters of a group. Scalars are f32 [] operands,
/// because they may change from step to step.
namespace tailor {

/// sqrt(sum over all tensors of their squared norms); with weights (ASAM) the norm of |weight| * gradient.
Array global_norm(const std::vector<Array>& gradients, const std::vector<Array>& weights,
                  const Location& location);

/// w' = w + radius g / (norm + 1e-12); adaptive: w + radius w^2 g / (norm + 1e-12).
std::vector<Array> sam_perturb(const std::vector<Array>& weights, const std::vector<Array>& gradients,
                               const Array& norm, const Array& radius, bool adaptive,
                               const Location& location);

/// What segments of parameters have of their own: learning rate and weight decay, f32 [], one per segment.
struct UpdateRates {
  const std::vector<Array>& lr;
  const std::vector<Array>& weight_decay;
  const std::vector<std::int32_t>& segments; ///< of each parameter
  const std::vector<bool>& decayed;          ///< per parameter: weight decay applies
};

struct SgdUpdate {
  std::vector<Array> weights, momenta; ///< momenta is empty when the update has none
};
/// g' = g + decay w;  v' = momentum v + g';  d = nesterov ? g' + momentum v' : v';  w' = w - lr d.
SgdUpdate sgd_update(const std::vector<Array>& weights, const std::vector<Array>& gradients,
                     const std::vector<Array>& momenta, const Array& momentum, const Array& valid,
                     bool nesterov, const UpdateRates& rates, const Location& location);

struct AdamWUpdate {
  std::vector<Array> weights, first, second;
};
/// Scalars that all segments share: f32 [], step i32 [] counting the updates done before.
struct AdamWScalars {
  Array beta1, beta2, epsilon, step;
};
/// w <- w (1 - lr decay); m, v averages with bias correction at t = step + 1; w' = w - lr m^ / (sqrt v^ +
/// eps).
AdamWUpdate adamw_update(const std::vector<Array>& weights, const std::vector<Array>& gradients,
                         const std::vector<Array>& first, const std::vector<Array>& second,
                         const AdamWScalars& scalars, const Array& valid, const UpdateRates& rates,
                         const Location& location);

/// average' = decay average + (1 - decay) value.
std::vector<Array> ema_update(const std::vector<Array>& averages, const std::vector<Array>& values,
                              const Array& decay, const Array& valid, const Location& location);

} // namespace tailor
