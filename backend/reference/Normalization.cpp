#include "backend/reference/Normalization.h"

#include <algorithm>
#include <cmath>

namespace tailor::backend::reference {
namespace {

/// How many leading elements belong to valid rows.
int64_t validElements(const Tensor& x, int64_t valid) {
  return x.dim(0) == 0 ? 0 : std::clamp<int64_t>(valid, 0, x.dim(0)) * (x.size() / x.dim(0));
}

} // namespace

ChannelStatistics batchNormStatistics(const Tensor& x, int64_t valid) {
  const int64_t channels = x.shape().back(), end = validElements(x, valid);
  const double count = static_cast<double>(std::max<int64_t>(end / channels, 1));
  ChannelStatistics result{Tensor(x.element(), {channels}), Tensor(x.element(), {channels})};
  auto& [mean, variance] = result;
  for (int64_t i = 0; i < end; ++i)
    mean.reals()[i % channels] += x.reals()[i] / count;
  for (int64_t i = 0; i < end; ++i) {
    const double centred = x.reals()[i] - mean.reals()[i % channels];
    variance.reals()[i % channels] += centred * centred / count;
  }
  return result;
}

Tensor batchNormApply(const Tensor& x, const Tensor& mean, const Tensor& factor, const Tensor& bias,
                      int64_t valid) {
  const int64_t channels = x.shape().back(), end = validElements(x, valid);
  Tensor y(x.element(), x.shape());
  for (int64_t i = 0; i < end; ++i) {
    const int64_t c = i % channels;
    y.reals()[i] = (x.reals()[i] - mean.reals()[c]) * factor.reals()[c] + bias.reals()[c];
  }
  return y;
}

BatchNormResult batchNormTrain(const Tensor& x, const Tensor& scale, const Tensor& bias, int64_t valid,
                               double epsilon) {
  const int64_t channels = x.shape().back(), end = validElements(x, valid);
  BatchNormResult result{Tensor(x.element(), x.shape()), Tensor(scale.element(), {channels}),
                         Tensor(scale.element(), {channels}), Tensor(scale.element(), {channels})};
  auto& [y, mean, invStd, variance] = result;
  ChannelStatistics statistics = batchNormStatistics(x, valid);
  mean.reals() = statistics.mean.reals();
  variance.reals() = statistics.variance.reals();
  for (int64_t c = 0; c < channels; ++c)
    invStd.reals()[c] = 1.0 / std::sqrt(variance.reals()[c] + epsilon);
  for (int64_t i = 0; i < end; ++i) {
    const int64_t c = i % channels;
    y.reals()[i] = scale.reals()[c] * (x.reals()[i] - mean.reals()[c]) * invStd.reals()[c] + bias.reals()[c];
  }
  return result;
}

ChannelGrads batchNormGradStatistics(const Tensor& dy, const Tensor& x, const Tensor& mean,
                                     const Tensor& invStd, int64_t valid) {
  const int64_t channels = x.shape().back(), end = validElements(x, valid);
  ChannelGrads result{Tensor(mean.element(), {channels}), Tensor(mean.element(), {channels})};
  for (int64_t i = 0; i < end; ++i) {
    const int64_t c = i % channels;
    result.dbias.reals()[c] += dy.reals()[i];
    result.dscale.reals()[c] += dy.reals()[i] * ((x.reals()[i] - mean.reals()[c]) * invStd.reals()[c]);
  }
  return result;
}

Tensor batchNormGradApply(const Tensor& dy, const Tensor& x, const Tensor& mean, const Tensor& factor,
                          const Tensor& slope, const Tensor& offset, int64_t valid) {
  const int64_t channels = x.shape().back(), end = validElements(x, valid);
  Tensor dx(x.element(), x.shape());
  for (int64_t i = 0; i < end; ++i) {
    const int64_t c = i % channels;
    dx.reals()[i] = factor.reals()[c] * dy.reals()[i] + slope.reals()[c] * (x.reals()[i] - mean.reals()[c]) +
                    offset.reals()[c];
  }
  return dx;
}

NormGrads batchNormGrad(const Tensor& dy, const Tensor& x, const Tensor& scale, const Tensor& mean,
                        const Tensor& invStd, int64_t valid) {
  const int64_t channels = x.shape().back(), end = validElements(x, valid);
  const double count = static_cast<double>(std::max<int64_t>(end / channels, 1));
  NormGrads result{Tensor(x.element(), x.shape()), Tensor(scale.element(), {channels}),
                   Tensor(scale.element(), {channels})};
  auto& [dx, dscale, dbias] = result;
  ChannelGrads sums = batchNormGradStatistics(dy, x, mean, invStd, valid);
  dscale.reals() = sums.dscale.reals();
  dbias.reals() = sums.dbias.reals();
  const auto normalized = [&](int64_t i) {
    return (x.reals()[i] - mean.reals()[i % channels]) * invStd.reals()[i % channels];
  };
  for (int64_t i = 0; i < end; ++i) {
    const int64_t c = i % channels;
    dx.reals()[i] = scale.reals()[c] * invStd.reals()[c] *
                    (dy.reals()[i] - (dbias.reals()[c] + normalized(i) * dscale.reals()[c]) / count);
  }
  return result;
}

Tensor batchNormInference(const Tensor& x, const Tensor& scale, const Tensor& bias, const Tensor& mean,
                          const Tensor& variance, double epsilon) {
  const int64_t channels = x.shape().back();
  Tensor y(x.element(), x.shape());
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = i % channels;
    y.reals()[i] =
        scale.reals()[c] * (x.reals()[i] - mean.reals()[c]) / std::sqrt(variance.reals()[c] + epsilon) +
        bias.reals()[c];
  }
  return y;
}

RunningStatistics updateRunning(const RunningStatistics& running, const Tensor& mean, const Tensor& variance,
                                int64_t count, double momentum) {
  RunningStatistics next = running;
  if (count < 1) return next;
  const double m = static_cast<double>(count);
  for (int64_t c = 0; c < mean.size(); ++c) {
    next.mean.reals()[c] += momentum * (mean.reals()[c] - running.mean.reals()[c]);
    if (count > 1)
      next.variance.reals()[c] +=
          momentum * (variance.reals()[c] * m / (m - 1) - running.variance.reals()[c]);
  }
  return next;
}

LayerNormResult layerNorm(const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon) {
  const int64_t channels = x.shape().back(), rows = channels == 0 ? 0 : x.size() / channels;
  const Shape rowShape(x.shape().begin(), x.shape().end() - 1);
  LayerNormResult result{Tensor(x.element(), x.shape()), Tensor(scale.element(), rowShape),
                         Tensor(scale.element(), rowShape)};
  for (int64_t n = 0; n < rows; ++n) {
    const double* row = &x.reals()[n * channels];
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels; ++c)
      mean += row[c] / static_cast<double>(channels);
    for (int64_t c = 0; c < channels; ++c)
      variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(channels);
    const double invStd = 1.0 / std::sqrt(variance + epsilon);
    result.mean.reals()[n] = mean;
    result.invStd.reals()[n] = invStd;
    for (int64_t c = 0; c < channels; ++c)
      result.y.reals()[n * channels + c] = scale.reals()[c] * (row[c] - mean) * invStd + bias.reals()[c];
  }
  return result;
}

NormGrads layerNormGrad(const Tensor& dy, const Tensor& x, const Tensor& scale, const Tensor& mean,
                        const Tensor& invStd) {
  const int64_t channels = x.shape().back(), rows = channels == 0 ? 0 : x.size() / channels;
  NormGrads result{Tensor(x.element(), x.shape()), Tensor(scale.element(), {channels}),
                   Tensor(scale.element(), {channels})};
  for (int64_t n = 0; n < rows; ++n) {
    const auto normalized = [&](int64_t c) {
      return (x.reals()[n * channels + c] - mean.reals()[n]) * invStd.reals()[n];
    };
    double meanG = 0, meanGx = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const double d = dy.reals()[n * channels + c], g = scale.reals()[c] * d;
      meanG += g / static_cast<double>(channels);
      meanGx += g * normalized(c) / static_cast<double>(channels);
      result.dbias.reals()[c] += d;
      result.dscale.reals()[c] += d * normalized(c);
    }
    for (int64_t c = 0; c < channels; ++c)
      result.dx.reals()[n * channels + c] =
          invStd.reals()[n] *
          (scale.reals()[c] * dy.reals()[n * channels + c] - meanG - normalized(c) * meanGx);
  }
  return result;
}

} // namespace tailor::backend::reference
