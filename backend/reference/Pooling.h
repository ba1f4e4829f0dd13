#pragma once

#include "backend/reference/Convolution.h"

namespace tailor::backend::reference {

struct Pooling {
  std::array<int64_t, 2> kernel{1, 1};
  Window window;
  bool countIncludePad =
      true; ///< average: divide by the places of the window inside image + padding, or inside the image
};

/// y[n, p, q, c] = max over the window's places inside the image.
/// Shapes x [N, H, W, C], y of `shape` [N, P, Q, C]: the dialect's ceil_mode is already in `shape`.
[[nodiscard]] Tensor maxPool2d(const Tensor& x, const Shape& shape, const Pooling& pooling);
/// dx: each window's dy goes to its largest place, the first in row-major order when several are equal.
[[nodiscard]] Tensor maxPool2dGrad(const Tensor& dy, const Tensor& x, const Pooling& pooling);
/// y[n, p, q, c] = sum over the window's places inside the image / divisor.
/// A window that ceil_mode lets run past image + padding counts only what is inside image + padding.
[[nodiscard]] Tensor avgPool2d(const Tensor& x, const Shape& shape, const Pooling& pooling);
/// dx: each window's dy / divisor goes to all its places inside the image.
[[nodiscard]] Tensor avgPool2dGrad(const Tensor& dy, const Shape& xShape, const Pooling& pooling);

} // namespace tailor::backend::reference
