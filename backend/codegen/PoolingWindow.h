#pragma once
/// The windows of a pooling op: which pixels a window holds, and which windows hold a pixel.

#include "backend/codegen/LaneBuilder.h"

#include <array>

namespace tailor::backend {

/// Positions [from, to) of one axis, i64.
struct Range {
  mlir::Value from, to;
};

/// Lists are [height, width]. Windows that ceil_mode adds are in `output` like all others.
struct PoolingWindow {
  std::array<int64_t, 2> image{}, output{}, size{}, strides{}, paddingLow{}, paddingHigh{};
  bool countsPadding =
      false; ///< the mean divides by the places in image and padding, not by those in the image

  /// The pixels of window `output` that lie in the image.
  Range inImage(LaneBuilder& b, int axis, mlir::Value output) const;
  /// The windows that hold `pixel`.
  Range over(LaneBuilder& b, int axis, mlir::Value pixel) const;
  /// How many places along `axis` the mean of window `output` counts.
  mlir::Value count(LaneBuilder& b, int axis, mlir::Value output) const;
};

/// i1: `value` takes the place of `largest`. The first largest stays; NaN is larger than anything but another NaN.
mlir::Value isLarger(LaneBuilder& b, mlir::Value value, mlir::Value largest);

/// Of max_pool2d, avg_pool2d or one of their gradients.
PoolingWindow windowOf(mlir::Operation* pool);

} // namespace tailor::backend
