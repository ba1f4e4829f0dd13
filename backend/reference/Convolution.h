#pragma once

#include "backend/reference/Tensor.h"

#include <array>

namespace tailor::backend::reference {

/// Geometry of a 2-d window that slides over an image: index 0 is height, 1 is width.
struct Window {
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> paddingLow{0, 0}, paddingHigh{0, 0}; ///< zeros before / after each image side
  std::array<int64_t, 2> dilation{1, 1};
};

/// Cross-correlation, as every framework calls convolution:
///
///   y[n, p, q, o] = sum_{r, s, c} x[n, i, j, g * I + c] * w[o, c, r, s]
///   i = p * stride_h + r * dilation_h - low_h,  j = q * stride_w + s * dilation_w - low_w
///   g = o / (O / groups)
///
/// Shapes    x [N, H, W, groups * I], w [O, I, KH, KW] -> y [N, P, Q, O]; places outside the image are 0.
[[nodiscard]] Tensor conv2d(const Tensor& x, const Tensor& w, const Window& window, int64_t groups);
/// The gradient of conv2d for x: dx of `shape` [N, H, W, groups * I] from dy [N, P, Q, O].
[[nodiscard]] Tensor conv2dDataGrad(const Tensor& dy, const Tensor& w, const Shape& shape,
                                    const Window& window, int64_t groups);
/// The gradient of conv2d for w: dw of `shape` [O, I, KH, KW].
[[nodiscard]] Tensor conv2dWeightGrad(const Tensor& x, const Tensor& dy, const Shape& shape,
                                      const Window& window, int64_t groups);

/// Output size of one side: floor((image + low + high - dilation * (kernel - 1) - 1) / stride) + 1.
[[nodiscard]] int64_t windowOutput(int64_t image, int64_t kernel, const Window& window, int side);

} // namespace tailor::backend::reference
