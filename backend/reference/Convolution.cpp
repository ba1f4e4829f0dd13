#include "backend/reference/Convolution.h"

namespace tailor::backend::reference {
namespace {

/// One multiplication of a convolution: y[y] += x[x] * w[w], in flat places.
/// Visiting all of them once defines the op; its two gradients visit the same triples and swap roles.
template <typename Visit>
void forEachProduct(const Shape& xShape, const Shape& wShape, const Shape& yShape, const Window& window,
                    int64_t groups, Visit visit) {
  const int64_t height = xShape[1], width = xShape[2], channels = xShape[3];
  const int64_t outputs = wShape[0], inputs = wShape[1], kernelH = wShape[2], kernelW = wShape[3];
  const int64_t outputsPerGroup = outputs / groups;
  for (int64_t n = 0; n < yShape[0]; ++n)
    for (int64_t p = 0; p < yShape[1]; ++p)
      for (int64_t q = 0; q < yShape[2]; ++q)
        for (int64_t r = 0; r < kernelH; ++r) {
          const int64_t h = p * window.strides[0] + r * window.dilation[0] - window.paddingLow[0];
          if (h < 0 || h >= height) continue;
          for (int64_t s = 0; s < kernelW; ++s) {
            const int64_t column = q * window.strides[1] + s * window.dilation[1] - window.paddingLow[1];
            if (column < 0 || column >= width) continue;
            for (int64_t o = 0; o < outputs; ++o) {
              const int64_t group = o / outputsPerGroup;
              const int64_t xBase = ((n * height + h) * width + column) * channels + group * inputs;
              const int64_t y = ((n * yShape[1] + p) * yShape[2] + q) * outputs + o;
              for (int64_t c = 0; c < inputs; ++c)
                visit(xBase + c, ((o * inputs + c) * kernelH + r) * kernelW + s, y);
            }
          }
        }
}

} // namespace

int64_t windowOutput(int64_t image, int64_t kernel, const Window& window, int side) {
  const int64_t span = window.dilation[side] * (kernel - 1) + 1;
  return (image + window.paddingLow[side] + window.paddingHigh[side] - span) / window.strides[side] + 1;
}

Tensor conv2d(const Tensor& x, const Tensor& w, const Window& window, int64_t groups) {
  Tensor y(x.element(), {x.dim(0), windowOutput(x.dim(1), w.dim(2), window, 0),
                         windowOutput(x.dim(2), w.dim(3), window, 1), w.dim(0)});
  const double *xs = x.reals().data(), *ws = w.reals().data();
  double* ys = y.reals().data();
  forEachProduct(x.shape(), w.shape(), y.shape(), window, groups,
                 [=](int64_t xi, int64_t wi, int64_t yi) { ys[yi] += xs[xi] * ws[wi]; });
  return y;
}

Tensor conv2dDataGrad(const Tensor& dy, const Tensor& w, const Shape& shape, const Window& window,
                      int64_t groups) {
  Tensor dx(dy.element(), shape);
  const double *dys = dy.reals().data(), *ws = w.reals().data();
  double* dxs = dx.reals().data();
  forEachProduct(shape, w.shape(), dy.shape(), window, groups,
                 [=](int64_t xi, int64_t wi, int64_t yi) { dxs[xi] += dys[yi] * ws[wi]; });
  return dx;
}

Tensor conv2dWeightGrad(const Tensor& x, const Tensor& dy, const Shape& shape, const Window& window,
                        int64_t groups) {
  Tensor dw(dy.element(), shape);
  const double *xs = x.reals().data(), *dys = dy.reals().data();
  double* dws = dw.reals().data();
  forEachProduct(x.shape(), shape, dy.shape(), window, groups,
                 [=](int64_t xi, int64_t wi, int64_t yi) { dws[wi] += xs[xi] * dys[yi]; });
  return dw;
}

} // namespace tailor::backend::reference
