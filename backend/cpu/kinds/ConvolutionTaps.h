#pragma once
/// The taps of a convolution along one axis, as both forward and data gradient see them.
///
/// Both gather: position t of the target adds up, over taps j, the source at
///
///   t * sourceStride + first + j * step     (outside of [0, sourceSize): nothing)
///
/// times element kernelFirst + j * kernelStep of the kernel. Forward is one such axis with sourceStride = stride. The
/// data gradient of stride s is s of them: the target positions r, r + s, r + 2 s, ... are reached by the same taps, each
/// at an unbroken row of the source. So nothing is ever scattered and every sum has one order.

#include "backend/codegen/Evaluator.h"
#include "backend/llvm/VectorBuilder.h"

#include <utility>

namespace tailor::backend {

struct TapAxis {
  int64_t count = 0;                         ///< positions t
  int64_t targetStart = 0, targetStride = 1; ///< t is targetStart + t * targetStride of the target
  int64_t sourceStride = 1, sourceSize = 0;
  int64_t taps = 0, first = 0, step = 1; ///< step > 0
  int64_t kernelFirst = 0, kernelStep = 1;

  bool reads(int64_t t, int64_t tap) const {
    int64_t at = t * sourceStride + first + tap * step;
    return at >= 0 && at < sourceSize;
  }
  /// True if no tap of the positions [from, to) falls outside of the source.
  bool isInterior(int64_t from, int64_t to) const;
};

/// Of y = conv(x, w): `source` is the size of x, `target` that of y.
TapAxis forwardTaps(int64_t source, int64_t target, int64_t kernel, int64_t stride, int64_t paddingLow,
                    int64_t dilation);

/// Of dx from dy: `source` is the size of dy, `target` that of x. Residues r without a tap are axes with taps = 0.
llvm::SmallVector<TapAxis> dataGradientTaps(int64_t source, int64_t target, int64_t kernel, int64_t stride,
                                            int64_t paddingLow, int64_t dilation);

/// The taps [first, second) of position t that read the source; constants where all positions agree.
std::pair<mlir::Value, mlir::Value> tapRange(VectorBuilder& b, const TapAxis& axis, mlir::Value t);

/// t * sourceStride + first: where tap 0 reads.
mlir::Value sourceStart(VectorBuilder& b, const TapAxis& axis, mlir::Value t);

/// The place of position t in the target.
mlir::Value targetPosition(VectorBuilder& b, const TapAxis& axis, mlir::Value t);

/// The element of the kernel that `tap` multiplies with.
mlir::Value kernelPosition(VectorBuilder& b, const TapAxis& axis, mlir::Value tap);

/// A run of neighbouring positions.
struct TapTile {
  mlir::Value position; ///< t of the first one
  int64_t fixed = -1;   ///< t of the first one at an edge, where not every tap reads; -1 inside
  unsigned pixels = 1;

  bool reads(const TapAxis& axis, unsigned pixel, int64_t tap) const {
    return fixed < 0 || axis.reads(fixed + pixel, tap);
  }
};

/// Covers the positions of `axis` in order: the tiles inside are a loop, those at the edges have code of their own. Where
/// that would be too many (a wide kernel or dilation over a wide image), `single` takes the positions of the edges one
/// by one, with tapRange.
void forEachTile(Evaluator& e, const TapAxis& axis, int64_t pixels,
                 llvm::function_ref<void(const TapTile&)> tile, llvm::function_ref<void(mlir::Value)> single);

/// a / by, rounded up; a >= 0.
mlir::Value divideUp(VectorBuilder& b, mlir::Value a, int64_t by);
/// a / by, rounded down; a >= 0.
mlir::Value divideDown(VectorBuilder& b, mlir::Value a, int64_t by);

inline int64_t ceilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

} // namespace tailor::backend
