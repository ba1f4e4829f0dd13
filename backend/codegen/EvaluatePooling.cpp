// Pooling over windows of an image, and the gradients: all gather, in row-major order of what they read.

#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/PoolingWindow.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpFPredicate;

// --- windows

PoolingWindow windowOf(mlir::Operation* pool) {
  PoolingWindow window;
  auto fill = [&](auto op, Value image, Value output) {
    auto sizes = [](Value tensor) {
      auto type = mlir::cast<RankedTensorType>(tensor.getType());
      return std::array<int64_t, 2>{type.getDimSize(1), type.getDimSize(2)};
    };
    window.image = sizes(image);
    window.output = sizes(output);
    for (int axis = 0; axis < 2; ++axis) {
      window.size[axis] = op.getWindow()[axis];
      window.strides[axis] = op.getStrides()[axis];
      window.paddingLow[axis] = op.getPadding()[2 * axis];
      window.paddingHigh[axis] = op.getPadding()[2 * axis + 1];
    }
  };
  llvm::TypeSwitch<mlir::Operation*>(pool)
      .Case([&](ir::MaxPool2dOp op) { fill(op, op.getInput(), op.getResult()); })
      .Case([&](ir::MaxPool2dGradOp op) { fill(op, op.getInput(), op.getOutputGrad()); })
      .Case([&](ir::AvgPool2dOp op) {
        fill(op, op.getInput(), op.getResult());
        window.countsPadding = op.getCountIncludePad();
      })
      .Case([&](ir::AvgPool2dGradOp op) {
        fill(op, op.getResult(), op.getOutputGrad());
        window.countsPadding = op.getCountIncludePad();
      });
  return window;
}

Range PoolingWindow::inImage(LaneBuilder& b, int axis, Value output) const {
  Value start = b.sub(b.mul(output, b.index(strides[axis])), b.index(paddingLow[axis]));
  return {b.max(start, b.index(0)), b.min(b.add(start, b.index(size[axis])), b.index(image[axis]))};
}

Range PoolingWindow::over(LaneBuilder& b, int axis, Value pixel) const {
  // Windows o with o * stride <= pixel + padding < o * stride + size.
  auto divide = [&](Value a) { return b.divUnsigned(a, strides[axis]); };
  Value padded = b.add(pixel, b.index(paddingLow[axis]));
  Value beyond = b.max(b.sub(padded, b.index(size[axis] - 1)), b.index(0));
  Value from = divide(b.add(beyond, b.index(strides[axis] - 1)));
  return {from, b.min(b.add(divide(padded), b.index(1)), b.index(output[axis]))};
}

Value PoolingWindow::count(LaneBuilder& b, int axis, Value output) const {
  if (!countsPadding) {
    Range range = inImage(b, axis, output);
    return b.sub(range.to, range.from);
  }
  Value start = b.sub(b.mul(output, b.index(strides[axis])), b.index(paddingLow[axis]));
  return b.min(b.sub(b.index(image[axis] + paddingHigh[axis]), start), b.index(size[axis]));
}

// --- values

Value isLarger(LaneBuilder& b, Value value, Value largest) {
  return b.bitAnd(b.compare(CmpFPredicate::UGT, value, largest),
                  b.compare(CmpFPredicate::ORD, largest, largest));
}

namespace {

/// Folds over the rows and columns of two ranges, row-major.
Value foldPlaces(Evaluator& e, Range rows, Range columns, Value first,
                 llvm::function_ref<Value(Value, const Coord& row, const Coord& column)> step) {
  auto outer = e.loop(rows.from, rows.to, 1, first, [&](Value y, ValueRange args) {
    Coord row = e.coord(y);
    auto inner = e.loop(columns.from, columns.to, 1, args, [&](Value x, ValueRange args) {
      return SmallVector<Value>{step(args[0], row, e.coord(x))};
    });
    return SmallVector<Value>{inner.getResult(0)};
  });
  return outer.getResult(0);
}

/// The number of places that the mean of window (row, column) divides by, as f32.
Value divisor(LaneBuilder& b, const PoolingWindow& window, Value row, Value column) {
  return b.toFloat(b.mul(window.count(b, 0, row), window.count(b, 1, column)));
}

/// The gradients of the windows that hold the pixel and whose first largest element it is.
Value maxPoolGradient(Evaluator& e, ir::MaxPool2dGradOp op, const PoolingWindow& window,
                      ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  const Coord &image = coords[0], &channel = coords[3];
  auto shaped = [&](mlir::Type element) { return channel.lanes ? b.lanesOf(element) : element; };
  auto placeOf = [&](const Coord& row, const Coord& column) {
    Value place = b.add(b.mul(row.index, b.index(window.image[1])), column.index);
    return b.matchShape(b.convert(place, b.i32()), shaped(b.i32()));
  };
  Value pixel = placeOf(coords[1], coords[2]);
  return foldPlaces(
      e, window.over(b, 0, coords[1].index), window.over(b, 1, coords[2].index),
      b.constant(shaped(b.f32()), 0), [&](Value sum, const Coord& oy, const Coord& ox) {
        Range rows = window.inImage(b, 0, oy.index), columns = window.inImage(b, 1, ox.index);
        // The largest element of each lane, and where it is: the first place while nothing is larger than -infinity.
        SmallVector<Value> best{b.constant(shaped(b.f32()), -std::numeric_limits<double>::infinity()),
                                placeOf(e.coord(rows.from), e.coord(columns.from))};
        auto found = e.loop(rows.from, rows.to, 1, best, [&](Value y, ValueRange args) {
          Coord row = e.coord(y);
          auto inner = e.loop(columns.from, columns.to, 1, args, [&](Value x, ValueRange args) {
            Coord column = e.coord(x);
            Value value = b.matchShape(e.at(op.getInput(), {image, row, column, channel}), shaped(b.f32()));
            Value larger = isLarger(b, value, args[0]);
            return SmallVector<Value>{b.select(larger, value, args[0]),
                                      b.select(larger, placeOf(row, column), args[1])};
          });
          return SmallVector<Value>(inner.getResults());
        });
        Value gradient = b.matchShape(e.at(op.getOutputGrad(), {image, oy, ox, channel}), shaped(b.f32()));
        Value isBest = b.compare(mlir::arith::CmpIPredicate::eq, pixel, found.getResult(1));
        return b.select(isBest, b.add(sum, gradient), sum);
      });
}

} // namespace

Value evaluatePooling(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  mlir::Operation* op = result.getOwner();
  if (!mlir::isa<ir::MaxPool2dOp, ir::MaxPool2dGradOp, ir::AvgPool2dOp, ir::AvgPool2dGradOp>(op)) return {};
  if (coords.size() != 4 || coords[0].lanes || coords[1].lanes || coords[2].lanes) {
    e.fail(op, "is only available along the channels of images for " + b.target());
    return {};
  }
  PoolingWindow window = windowOf(op);
  Value row = coords[1].index, column = coords[2].index, operand = op->getOperand(0);
  mlir::Type type = coords[3].lanes ? b.lanesOf(b.f32()) : b.f32();
  auto operandAt = [&](const Coord& y, const Coord& x) {
    return b.matchShape(e.at(operand, {coords[0], y, x, coords[3]}), type);
  };
  if (auto pool = mlir::dyn_cast<ir::MaxPool2dGradOp>(op)) return maxPoolGradient(e, pool, window, coords);
  if (mlir::isa<ir::MaxPool2dOp>(op))
    return foldPlaces(
        e, window.inImage(b, 0, row), window.inImage(b, 1, column),
        b.constant(type, -std::numeric_limits<double>::infinity()),
        [&](Value largest, const Coord& y, const Coord& x) { return b.max(largest, operandAt(y, x)); });
  if (mlir::isa<ir::AvgPool2dOp>(op)) {
    Value sum =
        foldPlaces(e, window.inImage(b, 0, row), window.inImage(b, 1, column), b.constant(type, 0),
                   [&](Value sum, const Coord& y, const Coord& x) { return b.add(sum, operandAt(y, x)); });
    return b.div(sum, b.matchShape(divisor(b, window, row, column), type));
  }
  return foldPlaces(e, window.over(b, 0, row), window.over(b, 1, column), b.constant(type, 0),
                    [&](Value sum, const Coord& y, const Coord& x) {
                      Value share = b.matchShape(divisor(b, window, y.index, x.index), type);
                      return b.add(sum, b.div(operandAt(y, x), share));
                    });
}

} // namespace tailor::backend
