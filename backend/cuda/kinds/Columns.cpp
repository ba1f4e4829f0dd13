// Reductions over the rows: a thread for each channel, neighbouring channels in neighbouring threads.
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/WarpBuilder.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

/// Rows beyond which a thread that walks them all is what a step waits for.
static constexpr int64_t kManyRows = 256;

static mlir::LogicalResult emit(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  // [C] results come from reductions over the rows of [R, ..., C] values; other results have that shape.
  SmallVector<ResultGroup> groups = groupResults(kernel);
  std::optional<ColumnShape> shape = columnShapeOf(kernel);
  if (!shape) return emitPositions(context, "its values do not share one number of rows and channels");
  const int64_t rows = shape->rows, channels = shape->channels;
  if (rows > kManyRows) context.info.slow = "a thread adds all rows of its channel";

  constexpr int64_t kLanes = WarpBuilder::kLanes;
  int64_t warps = (channels + kLanes - 1) / kLanes;
  mlir::FailureOr<int64_t> blocks = blocksFor(context, warps * kLanes, kLanes);
  if (mlir::failed(blocks)) return mlir::failure();
  KernelFrame frame(context, "", *blocks, kLanes);
  WarpBuilder b(frame.opBuilder, frame.loc(), frame.entry(), frame.lane());
  Evaluator e(b, true);
  bindOperands(e, frame, kernel);
  Value first = b.mul(b.convert(frame.globalWarp(), b.i64()), b.index(kLanes));
  Value mask = channels % kLanes ? b.prefixMask(b.sub(b.index(channels), first)) : Value();
  Coord channel = e.laneCoord(first, mask);
  for (const ResultGroup& group : groups) {
    std::function<void(Coords)> nest = [&](Coords coords) {
      auto dim = static_cast<int64_t>(coords.size());
      if (dim + 1 == group.shape.getRank()) {
        coords.push_back(channel);
        storeAt(e, frame, kernel, group, coords);
        return;
      }
      e.loop(b.index(0), b.index(group.shape.getDimSize(dim)), 1, {}, [&](Value index, ValueRange) {
        Coords inner = coords;
        inner.push_back(e.coord(index));
        nest(inner);
        return SmallVector<Value>();
      });
    };
    nest({});
  }
  frame.finish();
  return mlir::failure(e.failed());
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Columns;
  return *single == ir::FusionClass::ColumnReduction || *single == ir::FusionClass::BatchNorm;
}

extern const KernelKind kColumns{"columns", fits, emit};

} // namespace tailor::backend::cuda
