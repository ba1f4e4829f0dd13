#pragma once

#include "backend/reference/Tensor.h"

/// Batch and layer normalisation. Channels are the last dimension, dimension 0 is the batch; the M elements
/// of a channel are the first `valid` rows times the dimensions between. Rows >= valid give y = 0 and dx = 0.
namespace tailor::backend::reference {

struct BatchNormResult {
  Tensor y, mean, invStd, variance; ///< variance is the biased one
};

/// mean = sum x / M,  variance = sum (x - mean)^2 / M,  invStd = 1 / sqrt(variance + epsilon),
/// y = scale * (x - mean) * invStd + bias.    M = 1: variance 0. M = 0: mean 0, variance 0.
[[nodiscard]] BatchNormResult batchNormTrain(const Tensor& x, const Tensor& scale, const Tensor& bias,
                                             int64_t valid, double epsilon);

struct ChannelStatistics {
  Tensor mean, variance; ///< [C]; the biased variance
};

/// The mean and variance of batchNormTrain.
[[nodiscard]] ChannelStatistics batchNormStatistics(const Tensor& x, int64_t valid);

/// (x - mean) * factor + bias on valid rows, else 0.
[[nodiscard]] Tensor batchNormApply(const Tensor& x, const Tensor& mean, const Tensor& factor,
                                    const Tensor& bias, int64_t valid);

struct NormGrads {
  Tensor dx, dscale, dbias;
};

/// With xhat = (x - mean) * invStd:  dbias = sum dy,  dscale = sum dy * xhat,
/// dx = scale * invStd * (dy - (dbias + xhat * dscale) / M).
[[nodiscard]] NormGrads batchNormGrad(const Tensor& dy, const Tensor& x, const Tensor& scale,
                                      const Tensor& mean, const Tensor& invStd, int64_t valid);

struct ChannelGrads {
  Tensor dscale, dbias;
};

/// dscale and dbias of batchNormGrad.
[[nodiscard]] ChannelGrads batchNormGradStatistics(const Tensor& dy, const Tensor& x, const Tensor& mean,
                                                   const Tensor& invStd, int64_t valid);

/// factor * dy + slope * (x - mean) + offset on valid rows, else 0.
[[nodiscard]] Tensor batchNormGradApply(const Tensor& dy, const Tensor& x, const Tensor& mean,
                                        const Tensor& factor, const Tensor& slope, const Tensor& offset,
                                        int64_t valid);

/// y = scale * (x - mean) / sqrt(variance + epsilon) + bias, on every row.
[[nodiscard]] Tensor batchNormInference(const Tensor& x, const Tensor& scale, const Tensor& bias,
                                        const Tensor& mean, const Tensor& variance, double epsilon);

struct RunningStatistics {
  Tensor mean, variance;
};

/// running + momentum * (batch - running), the variance with the unbiased batch variance M / (M - 1) *
/// variance. M = 1 leaves the running variance, M = 0 both (design invariant 5).   methods.md 4.5
[[nodiscard]] RunningStatistics updateRunning(const RunningStatistics& running, const Tensor& mean,
                                              const Tensor& variance, int64_t count, double momentum);

struct LayerNormResult {
  Tensor y, mean, invStd;
};

/// Over the last dimension: y = scale * (x - mean) * invStd + bias with the biased variance of each row.
[[nodiscard]] LayerNormResult layerNorm(const Tensor& x, const Tensor& scale, const Tensor& bias,
                                        double epsilon);

/// With g = scale * dy:  dx = invStd * (g - mean_c(g) - xhat * mean_c(g * xhat)); dscale, dbias sum over all
/// rows.
[[nodiscard]] NormGrads layerNormGrad(const Tensor& dy, const Tensor& x, const Tensor& scale,
                                      const Tensor& mean, const Tensor& invStd);

} // namespace tailor::backend::reference
