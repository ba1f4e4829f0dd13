#include "backend/reference/Optimizer.h"

#include <cmath>

namespace tailor::backend::reference {

double globalNorm(std::span<const Tensor* const> tensors, std::span<const Tensor* const> weights) {
  double sum = 0;
  for (size_t t = 0; t < tensors.size(); ++t)
    for (int64_t i = 0; i < tensors[t]->size(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[t]->reals()[i];
      const double value = weight * tensors[t]->reals()[i];
      sum += value * value;
    }
  return std::sqrt(sum);
}

Tensor samPerturb(const Tensor& w, const Tensor& g, double norm, double radius, double epsilon,
                  bool adaptive) {
  const double factor = radius / (norm + epsilon);
  Tensor ascended = w;
  for (int64_t i = 0; i < w.size(); ++i) {
    const double value = w.reals()[i];
    ascended.reals()[i] += factor * (adaptive ? value * value : 1.0) * g.reals()[i];
  }
  return ascended;
}

SgdResult sgdUpdate(const Tensor& w, const Tensor& g, const Tensor& v, const SgdOptions& options) {
  SgdResult next{w, v};
  for (int64_t i = 0; i < w.size(); ++i) {
    const double gradient = g.reals()[i] + options.weightDecay * w.reals()[i];
    const double velocity = options.momentum * v.reals()[i] + gradient;
    next.v.reals()[i] = velocity;
    next.w.reals()[i] -= options.lr * (options.nesterov ? gradient + options.momentum * velocity : velocity);
  }
  return next;
}

AdamwResult adamwUpdate(const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v,
                        const AdamwOptions& options) {
  const double step = static_cast<double>(options.step);
  const double correction1 = 1 - std::pow(options.beta1, step),
               correction2 = 1 - std::pow(options.beta2, step);
  AdamwResult next{w, m, v};
  for (int64_t i = 0; i < w.size(); ++i) {
    const double gradient = g.reals()[i];
    const double first = options.beta1 * m.reals()[i] + (1 - options.beta1) * gradient;
    const double second = options.beta2 * v.reals()[i] + (1 - options.beta2) * gradient * gradient;
    next.m.reals()[i] = first;
    next.v.reals()[i] = second;
    next.w.reals()[i] =
        w.reals()[i] * (1 - options.lr * options.weightDecay) -
        options.lr * (first / correction1) / (std::sqrt(second / correction2) + options.epsilon);
  }
  return next;
}

Tensor emaUpdate(const Tensor& average, const Tensor& w, double decay) {
  Tensor next = average;
  for (int64_t i = 0; i < w.size(); ++i)
    next.reals()[i] = decay * average.reals()[i] + (1 - decay) * w.reals()[i];
  return next;
}

} // namespace tailor::backend::reference
