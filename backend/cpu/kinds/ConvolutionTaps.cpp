#include "backend/cpu/kinds/ConvolutionTaps.h"

#include <numeric>

namespace tailor::backend {

using mlir::Value;

bool TapAxis::isInterior(int64_t from, int64_t to) const {
  if (taps == 0 || from >= to) return true;
  // Sources ascend with the position and with the tap.
  return reads(from, 0) && reads(from, taps - 1) && reads(to - 1, 0) && reads(to - 1, taps - 1);
}

TapAxis forwardTaps(int64_t source, int64_t target, int64_t kernel, int64_t stride, int64_t paddingLow,
                    int64_t dilation) {
  TapAxis axis;
  axis.count = target;
  axis.sourceStride = stride;
  axis.sourceSize = source;
  axis.taps = kernel;
  axis.first = -paddingLow;
  axis.step = dilation;
  return axis;
}

llvm::SmallVector<TapAxis> dataGradientTaps(int64_t source, int64_t target, int64_t kernel, int64_t stride,
                                            int64_t paddingLow, int64_t dilation) {
  llvm::SmallVector<TapAxis> axes;
  int64_t common = std::gcd(stride, dilation);
  for (int64_t residue = 0; residue < std::min(stride, target); ++residue) {
    TapAxis axis;
    axis.count = ceilDiv(target - residue, stride);
    axis.targetStart = residue;
    axis.targetStride = stride;
    axis.sourceSize = source;
    axis.step = dilation / common;
    axis.kernelStep = -(stride / common);
    // x[residue + t * stride] met y[o] through tap k where residue + t * stride = o * stride - paddingLow + k * dilation:
    // from the last such tap on, the sources ascend.
    for (int64_t tap = kernel - 1; tap >= 0; --tap) {
      int64_t distance = residue + paddingLow - tap * dilation;
      if (distance % stride != 0) continue;
      if (axis.taps++ > 0) continue;
      axis.kernelFirst = tap;
      axis.first = distance / stride;
    }
    axes.push_back(axis);
  }
  return axes;
}

Value divideDown(VectorBuilder& b, Value a, int64_t by) {
  return by == 1 ? a : mlir::arith::DivUIOp::create(b.builder(), b.loc(), a, b.index(by));
}

Value divideUp(VectorBuilder& b, Value a, int64_t by) {
  return by == 1 ? a : divideDown(b, b.add(a, b.index(by - 1)), by);
}

Value sourceStart(VectorBuilder& b, const TapAxis& axis, Value t) {
  return b.add(b.mul(t, b.index(axis.sourceStride)), b.index(axis.first));
}

Value targetPosition(VectorBuilder& b, const TapAxis& axis, Value t) {
  return b.add(b.mul(t, b.index(axis.targetStride)), b.index(axis.targetStart));
}

Value kernelPosition(VectorBuilder& b, const TapAxis& axis, Value tap) {
  return b.add(b.mul(tap, b.index(axis.kernelStep)), b.index(axis.kernelFirst));
}

std::pair<Value, Value> tapRange(VectorBuilder& b, const TapAxis& axis, Value t) {
  Value zero = b.index(0), taps = b.index(axis.taps);
  if (axis.isInterior(0, axis.count)) return {zero, taps};
  Value start = sourceStart(b, axis, t);
  Value from = divideUp(b, b.max(b.sub(zero, start), zero), axis.step);
  Value to = divideUp(b, b.max(b.sub(b.index(axis.sourceSize), start), zero), axis.step);
  return {from, b.min(to, taps)};
}

void forEachTile(Evaluator& e, const TapAxis& axis, int64_t pixels,
                 llvm::function_ref<void(const TapTile&)> tile, llvm::function_ref<void(Value)> single) {
  constexpr int64_t kMostEdgeTiles = 8; // of a 7 x 7 kernel over 8-pixel tiles: 2
  LaneBuilder& b = e.builder();
  int64_t tiles = ceilDiv(axis.count, pixels);
  auto isInside = [&](int64_t number) {
    int64_t from = number * pixels, to = from + pixels;
    return to <= axis.count && axis.isInterior(from, to);
  };
  int64_t firstInside = 0;
  while (firstInside < tiles && !isInside(firstInside))
    ++firstInside;
  int64_t endInside = firstInside;
  while (endInside < tiles && isInside(endInside))
    ++endInside;
  bool unrolls = tiles - (endInside - firstInside) <= kMostEdgeTiles;
  auto edge = [&](int64_t from, int64_t to) { // tiles
    if (unrolls) {
      for (int64_t number = from; number < to; ++number) {
        int64_t at = number * pixels;
        tile({b.index(at), at, static_cast<unsigned>(std::min(pixels, axis.count - at))});
      }
    } else if (from < to) {
      e.loop(b.index(from * pixels), b.index(std::min(to * pixels, axis.count)), 1, {},
             [&](Value t, mlir::ValueRange) {
               single(t);
               return llvm::SmallVector<Value>();
             });
    }
  };
  edge(0, firstInside);
  if (firstInside < endInside)
    e.loop(b.index(firstInside * pixels), b.index(endInside * pixels), pixels, {},
           [&](Value t, mlir::ValueRange) {
             tile({t, -1, static_cast<unsigned>(pixels)});
             return llvm::SmallVector<Value>();
           });
  edge(endInside, tiles);
}

} // namespace tailor::backend
