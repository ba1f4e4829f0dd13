// Reductions over the rows: a block for 32 channels, neighbouring channels in neighbouring threads. Its warps take turns at the rows,
// and their sums meet in shared memory, in the order of the warps.
#include "backend/codegen/ColumnTotal.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/WarpBuilder.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kLanes = WarpBuilder::kLanes, kWarps = kThreads / kLanes;
/// Rows beyond which a thread that walks them all is what a step waits for.
constexpr int64_t kManyRows = 256;

class ColumnsEmitter {
public:
  ColumnsEmitter(KernelContext& context, ColumnShape shape)
      : context_(context), kernel_(context.kernel), rows_(shape.rows), channels_(shape.channels) {}

  mlir::LogicalResult emit() {
    mlir::FailureOr<int64_t> blocks =
        blocksFor(context_, (channels_ + kLanes - 1) / kLanes * kThreads, kThreads);
    if (mlir::failed(blocks)) return mlir::failure();
    KernelFrame frame(context_, "", *blocks, kThreads);
    WarpBuilder b(frame.opBuilder, frame.loc(), frame.entry(), frame.lane());
    Evaluator e(b, true);
    bindOperands(e, frame, kernel_);
    Value first = b.mul(b.convert(frame.block(), b.i64()), b.index(kLanes));
    channel_ =
        e.laneCoord(first, channels_ % kLanes ? b.prefixMask(b.sub(b.index(channels_), first)) : Value());
    Value warp = b.convert(frame.warp(), b.i64());
    for (mlir::Operation& op : kernel_.getBlock().without_terminator())
      for (mlir::OpResult result : op.getResults())
        if (std::optional<ColumnTotal> total = columnTotalOf(e, result); total && !result.use_empty())
          e.define(result, {channel_}, meet(frame, e, *total, warp));
    if (!slab_ && rows_ > kManyRows) context_.info.slow = "a thread looks at all rows of its channel";

    for (const ResultGroup& group : groupResults(kernel_)) {
      if (group.shape.getRank() > 1) {
        forEachRow(e, group.shape, warp,
                   [&](llvm::ArrayRef<Coord> at) { storeAt(e, frame, kernel_, group, at); });
        continue;
      }
      b.ifThen(b.compare(CmpIPredicate::eq, warp, b.index(0)),
               [&] { e.region([&] { storeAt(e, frame, kernel_, group, {channel_}); }); });
    }
    frame.finish();
    return mlir::failure(e.failed());
  }

private:
  /// The sum over all positions, the same in all warps of the block.
  Value meet(KernelFrame& frame, Evaluator& e, const ColumnTotal& total, Value warp) {
    LaneBuilder& b = e.builder();
    auto own = e.loop(warp, b.index(rows_), kWarps, b.constant(b.f32(), Evaluator::kEmptySum),
                      [&](Value row, ValueRange sums) {
                        return SmallVector<Value>{addRow(e, total, {e.coord(row)}, sums[0])};
                      });
    if (!slab_) slab_ = frame.sharedMemory("_shares", b.f32(), kWarps * kLanes);
    frame.barrier(); // nobody reads the last total's shares any more
    b.storeLanes(own.getResult(0), slab_, b.f32(), b.mul(warp, b.index(kLanes)));
    frame.barrier();
    Value sum = b.loadLanes(slab_, b.f32(), b.index(0));
    for (int64_t other = 1; other < kWarps; ++other)
      sum = b.add(sum, b.loadLanes(slab_, b.f32(), b.index(other * kLanes)));
    return total.finish(sum, channel_);
  }

  /// sum + the shares of a row, whose positions between are walked in order.
  Value addRow(Evaluator& e, const ColumnTotal& total, Coords at, Value sum) {
    LaneBuilder& b = e.builder();
    auto type = tensorTypeOf(total.over);
    auto dim = static_cast<int64_t>(at.size());
    if (dim + 1 == type.getRank()) {
      at.push_back(channel_);
      return b.add(sum, total.share(at));
    }
    return e
        .loop(b.index(0), b.index(type.getDimSize(dim)), 1, sum,
              [&](Value index, ValueRange sums) {
                Coords inner = at;
                inner.push_back(e.coord(index));
                return SmallVector<Value>{addRow(e, total, inner, sums[0])};
              })
        .getResult(0);
  }

  /// The positions of a warp: its rows, and all between.
  void forEachRow(Evaluator& e, mlir::RankedTensorType type, Value warp,
                  llvm::function_ref<void(llvm::ArrayRef<Coord>)> body) {
    LaneBuilder& b = e.builder();
    std::function<void(Coords)> nest = [&](Coords at) {
      auto dim = static_cast<int64_t>(at.size());
      if (dim + 1 == type.getRank()) {
        at.push_back(channel_);
        return body(at);
      }
      e.loop(dim == 0 ? warp : b.index(0), b.index(type.getDimSize(dim)), dim == 0 ? kWarps : 1, {},
             [&](Value index, ValueRange) {
               Coords inner = at;
               inner.push_back(e.coord(index));
               nest(inner);
               return SmallVector<Value>();
             });
    };
    nest({});
  }

  KernelContext& context_;
  ir::KernelOp kernel_;
  int64_t rows_, channels_;
  Coord channel_;
  Value slab_; ///< shares of the warps; null while nothing is added up
};

mlir::LogicalResult emit(KernelContext& context) {
  // [C] results come from reductions over the rows of [R, ..., C] values; other results have that shape.
  std::optional<ColumnShape> shape = columnShapeOf(context.kernel);
  if (!shape) return emitPositions(context, "its values do not share one number of rows and channels");
  return ColumnsEmitter(context, *shape).emit();
}

bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Columns;
  return *single == ir::FusionClass::ColumnReduction || *single == ir::FusionClass::BatchNorm;
}

} // namespace

extern const KernelKind kColumns{"columns", fits, emit};

} // namespace tailor::backend::cuda
