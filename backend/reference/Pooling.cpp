#include "backend/reference/Pooling.h"

#include <cmath>
#include <limits>

namespace tailor::backend::reference {
namespace {

/// Calls visit(x place) for the window at (n, p, q, c), inside the image only, in row-major order. Returns
/// how many places of the window lie inside image + padding.
template <typename Visit>
int64_t forEachPlace(const Shape& xShape, const Pooling& pooling, std::span<const int64_t> index,
                     Visit visit) {
  const Window& window = pooling.window;
  int64_t inPadded = 0;
  for (int64_t r = 0; r < pooling.kernel[0]; ++r) {
    const int64_t h = index[1] * window.strides[0] + r * window.dilation[0] - window.paddingLow[0];
    if (h >= xShape[1] + window.paddingHigh[0]) break;
    for (int64_t s = 0; s < pooling.kernel[1]; ++s) {
      const int64_t w = index[2] * window.strides[1] + s * window.dilation[1] - window.paddingLow[1];
      if (w >= xShape[2] + window.paddingHigh[1]) break;
      ++inPadded;
      if (h < 0 || h >= xShape[1] || w < 0 || w >= xShape[2]) continue;
      visit(((index[0] * xShape[1] + h) * xShape[2] + w) * xShape[3] + index[3]);
    }
  }
  return inPadded;
}

int64_t averageDivisor(const Shape& xShape, const Pooling& pooling, std::span<const int64_t> index) {
  int64_t inImage = 0;
  const int64_t inPadded = forEachPlace(xShape, pooling, index, [&](int64_t) { ++inImage; });
  return pooling.countIncludePad ? inPadded : inImage;
}

/// The first largest element; NaN counts as larger than anything but another NaN, so that it is not lost.
int64_t largestPlace(const Tensor& x, const Pooling& pooling, std::span<const int64_t> index) {
  int64_t best = -1;
  forEachPlace(x.shape(), pooling, index, [&](int64_t place) {
    const double value = x.reals()[place];
    if (best < 0 || value > x.reals()[best] || (std::isnan(value) && !std::isnan(x.reals()[best])))
      best = place;
  });
  return best;
}

} // namespace

Tensor maxPool2d(const Tensor& x, const Shape& shape, const Pooling& pooling) {
  Tensor y(x.element(), shape);
  forEachIndex(shape, [&](std::span<const int64_t> index, int64_t flat) {
    const int64_t place = largestPlace(x, pooling, index);
    y.reals()[flat] = place < 0 ? -std::numeric_limits<double>::infinity() : x.reals()[place];
  });
  return y;
}

Tensor maxPool2dGrad(const Tensor& dy, const Tensor& x, const Pooling& pooling) {
  Tensor dx(dy.element(), x.shape());
  forEachIndex(dy.shape(), [&](std::span<const int64_t> index, int64_t flat) {
    const int64_t place = largestPlace(x, pooling, index);
    if (place >= 0) dx.reals()[place] += dy.reals()[flat];
  });
  return dx;
}

Tensor avgPool2d(const Tensor& x, const Shape& shape, const Pooling& pooling) {
  Tensor y(x.element(), shape);
  forEachIndex(shape, [&](std::span<const int64_t> index, int64_t flat) {
    double sum = 0;
    forEachPlace(x.shape(), pooling, index, [&](int64_t place) { sum += x.reals()[place]; });
    const int64_t divisor = averageDivisor(x.shape(), pooling, index);
    y.reals()[flat] = divisor == 0 ? 0.0 : sum / static_cast<double>(divisor);
  });
  return y;
}

Tensor avgPool2dGrad(const Tensor& dy, const Shape& xShape, const Pooling& pooling) {
  Tensor dx(dy.element(), xShape);
  forEachIndex(dy.shape(), [&](std::span<const int64_t> index, int64_t flat) {
    const double share = dy.reals()[flat] / static_cast<double>(averageDivisor(xShape, pooling, index));
    forEachPlace(xShape, pooling, index, [&](int64_t place) { dx.reals()[place] += share; });
  });
  return dx;
}

} // namespace tailor::backend::reference
