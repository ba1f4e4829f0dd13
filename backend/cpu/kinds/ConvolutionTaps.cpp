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

std::pair<Value, Value> tapRange(VectorBuilder& b, const TapAxis& axis, Value t) {
  Value zero = b.index(0), taps = b.index(axis.taps);
  if (axis.isInterior(0, axis.count)) return {zero, taps};
  Value start = sourceStart(b, axis, t);
  Value from = divideUp(b, b.max(b.sub(zero, start), zero), axis.step);
  Value to = divideUp(b, b.max(b.sub(b.index(axis.sourceSize), start), zero), axis.step);
  return {from, b.min(to, taps)};
}

} // namespace tailor::backend
