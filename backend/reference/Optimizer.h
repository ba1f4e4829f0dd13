#pragma once

#include "backend/reference/Tensor.h"

/// Parameter updates, one tensor at a time (the dialect's ops take many). `w` is read, results are new
/// tensors.
namespace tailor::backend::reference {

/// sqrt(sum over all tensors and elements of x^2), with weights of (|w| x)^2.   methods.md 5.1
/// `weights` is empty or holds one tensor for each of `tensors`.
[[nodiscard]] double globalNorm(std::span<const Tensor* const> tensors,
                                std::span<const Tensor* const> weights);

/// The ascended point of SAM:  w + radius * g / (norm + epsilon),  adaptive: w + radius * w^2 * g / (norm +
/// epsilon). A zero gradient gives w itself.   methods.md 5.1
[[nodiscard]] Tensor samPerturb(const Tensor& w, const Tensor& g, double norm, double radius, double epsilon,
                                bool adaptive);

struct SgdOptions {
  double lr = 0, momentum = 0;
  double weightDecay = 0; ///< stays 0 for tensors outside the decay filter
  bool nesterov = false;
};
struct SgdResult {
  Tensor w, v;
};
/// g' = g + weightDecay * w;  v' = momentum * v + g' (v starts at 0, so the first v' is g');
/// d = v', or g' + momentum * v' with Nesterov;  w' = w - lr * d.   methods.md 4.1
[[nodiscard]] SgdResult sgdUpdate(const Tensor& w, const Tensor& g, const Tensor& v,
                                  const SgdOptions& options);

struct AdamwOptions {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weightDecay = 0; ///< stays 0 for tensors outside the decay filter
  int64_t step = 1;       ///< 1 for the first update
};
struct AdamwResult {
  Tensor w, m, v;
};
/// m' = beta1 m + (1 - beta1) g;  v' = beta2 v + (1 - beta2) g^2;
/// w' = w (1 - lr * weightDecay) - lr * (m' / (1 - beta1^step)) / (sqrt(v' / (1 - beta2^step)) + epsilon).
/// methods.md 4.2
[[nodiscard]] AdamwResult adamwUpdate(const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v,
                                      const AdamwOptions& options);

/// decay * average + (1 - decay) * w.   methods.md 4.4
[[nodiscard]] Tensor emaUpdate(const Tensor& average, const Tensor& w, double decay);

} // namespace tailor::backend::reference
