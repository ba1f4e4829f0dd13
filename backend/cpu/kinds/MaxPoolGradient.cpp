// Gradient of max_pool2d: it writes where the data say, so the loops go over the windows.

#include "backend/codegen/PoolingWindow.h"
#include "backend/cpu/kinds/KernelEmitter.h"

#include <limits>

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

static bool fits(ir::KernelOp kernel) {
  return mlir::isa<ir::MaxPool2dGradOp>(kernel.getBlock().front());
}

static mlir::LogicalResult emitMaxPoolGradient(KernelContext& context) {
  auto pool = mlir::cast<ir::MaxPool2dGradOp>(context.kernel.getBlock().front());
  PoolingWindow window = windowOf(pool);
  int64_t channels = tensorTypeOf(pool.getInput()).getDimSize(3);
  int64_t pixels = window.image[0] * window.image[1], windows = window.output[0] * window.output[1];
  if (pixels > std::numeric_limits<int32_t>::max())
    return pool.emitOpError("over images of more than 2^31 pixels is not available for target cpu");
  context.info.rows = tensorTypeOf(pool.getInput()).getDimSize(0);
  context.info.units = {1, 1};

  KernelFrame frame(context.module, context.symbol, context.kernel, context.target);
  VectorBuilder& b = frame.b();
  auto none = [] { return SmallVector<Value>(); };
  auto bufferOf = [&](Value operand) {
    return frame.buffer(mlir::cast<mlir::BlockArgument>(operand).getArgNumber());
  };
  Value xs = bufferOf(pool.getInput()), dys = bufferOf(pool.getOutputGrad());
  Value dxs = frame.buffer(resultSlot(context.kernel, 0));
  int64_t lanes = b.lanes();
  Value zero = b.constant(b.lanesOf(b.f32()), 0);
  b.loop(frame.begin, frame.end, 1, {}, [&](Value n, ValueRange) {
    Value image = b.mul(n, b.index(pixels * channels));
    Value x = b.elementPointer(xs, b.f32(), image), dx = b.elementPointer(dxs, b.f32(), image);
    Value dy = b.elementPointer(dys, b.f32(), b.mul(n, b.index(windows * channels)));
    int64_t full = channels / lanes * lanes;
    auto block = [&](Value channel, Value mask) { // a vector of channels of every window
      b.loop(b.index(0), b.index(pixels), 1, {}, [&](Value pixel, ValueRange) {
        b.store(zero, dx, b.add(b.mul(pixel, b.index(channels)), channel), mask);
        return none();
      });
      auto placeOf = [&](Value row, Value column) {
        return b.add(b.mul(row, b.index(window.image[1])), column);
      };
      auto elementOf = [&](Value place) { return b.add(b.mul(place, b.index(channels)), channel); };
      auto placeVector = [&](Value place) { return b.splat(b.convert(place, b.i32())); };
      b.loop(b.index(0), b.index(window.output[0]), 1, {}, [&](Value oy, ValueRange) {
        Range rows = window.inImage(b, 0, oy);
        b.loop(b.index(0), b.index(window.output[1]), 1, {}, [&](Value ox, ValueRange) {
          Range columns = window.inImage(b, 1, ox);
          // The largest element of each lane, and where it is.
          SmallVector<Value> best{b.constant(b.lanesOf(b.f32()), -std::numeric_limits<double>::infinity()),
                                  placeVector(placeOf(rows.from, columns.from))};
          auto found = b.loop(rows.from, rows.to, 1, best, [&](Value row, ValueRange args) {
            auto inner = b.loop(columns.from, columns.to, 1, args, [&](Value column, ValueRange args) {
              Value place = placeOf(row, column);
              Value value = b.loadLanes(x, b.f32(), elementOf(place), mask);
              Value larger = isLarger(b, value, args[0]);
              return SmallVector<Value>{b.select(larger, value, args[0]),
                                        b.select(larger, placeVector(place), args[1])};
            });
            return SmallVector<Value>(inner.getResults());
          });
          Value window = b.add(b.mul(oy, b.index(tensorTypeOf(pool.getOutputGrad()).getDimSize(2))), ox);
          Value gradient = b.loadLanes(dy, b.f32(), elementOf(window), mask);
          b.loop(rows.from, rows.to, 1, {}, [&](Value row, ValueRange) {
            b.loop(columns.from, columns.to, 1, {}, [&](Value column, ValueRange) {
              Value place = placeOf(row, column), element = elementOf(place);
              Value isBest = b.compare(CmpIPredicate::eq, placeVector(place), found.getResult(1));
              Value before = b.loadLanes(dx, b.f32(), element, mask);
              b.store(b.select(isBest, b.add(before, gradient), before), dx, element, mask);
              return none();
            });
            return none();
          });
          return none();
        });
        return none();
      });
    };
    if (full > 0)
      b.loop(b.index(0), b.index(full), lanes, {}, [&](Value channel, ValueRange) {
        block(channel, {});
        return none();
      });
    if (full < channels) block(b.index(full), b.prefixMask(channels - full));
    return none();
  });
  frame.finish();
  return mlir::success();
}

extern const KernelKind kMaxPoolGradient{"max_pool_gradient", fits, emitMaxPoolGradient};

} // namespace tailor::backend
