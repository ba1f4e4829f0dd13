// Each position of a result by a thread of its own, four neighbours along the last dimension at once where lanes pass through
// the kernel: element-wise work, gathers, draws, and whatever no other kind takes.
#include "backend/codegen/LaneRules.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/ThreadBuilder.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kLanes = ThreadBuilder::kLanes;

/// How the positions of a shape are given to threads: `perLine` threads for each line along the last dimension.
struct Split {
  int64_t lines = 1, columns = 1, perLine = 1;
  int64_t threads() const { return lines * perLine; }
};

Split splitOf(llvm::ArrayRef<int64_t> shape, bool lanes, bool flat) {
  Split split;
  for (int64_t size : shape)
    split.lines *= size;
  if (flat) {
    split.columns = split.lines;
    split.lines = split.lines > 0 ? 1 : 0;
  } else if (!shape.empty()) {
    split.columns = shape.back();
    split.lines = split.columns > 0 ? split.lines / split.columns : 0;
  }
  split.perLine = lanes && !shape.empty() ? (split.columns + kLanes - 1) / kLanes : split.columns;
  return split;
}

} // namespace

mlir::LogicalResult emitPositions(KernelContext& context, std::string slow) {
  ir::KernelOp kernel = context.kernel;
  context.info.slow = std::move(slow);
  SmallVector<ResultGroup> groups = groupResults(kernel);
  PositionWay way;
  way.lanes = lanesPassThrough(kernel) && !looksAcrossRowLosses(kernel);
  way.flat = way.lanes && groups.size() == 1 && groups.front().shape.getRank() > 0 &&
             isFlat(kernel, groups.front().shape.getShape());
  SmallVector<PositionWork> work;
  for (const ResultGroup& group : groups)
    work.push_back({group.shape, [&](Evaluator& e, KernelFrame& frame, llvm::ArrayRef<Coord> at) {
                      storeAt(e, frame, kernel, group, at);
                    }});
  return emitPositionFunction(context, "", way, work);
}

mlir::LogicalResult emitPositionFunction(KernelContext& context, llvm::StringRef suffix, PositionWay way,
                                         llvm::ArrayRef<PositionWork> work) {
  const auto [lanes, flat] = way;
  int64_t threads = 0;
  SmallVector<Split> splits;
  for (const PositionWork& part : work) {
    splits.push_back(splitOf(part.shape.getShape(), lanes, flat));
    threads = std::max(threads, splits.back().threads());
  }
  mlir::FailureOr<int64_t> blocks = blocksFor(context, threads, kThreads);
  if (mlir::failed(blocks)) return mlir::failure();

  KernelFrame frame(context, suffix, *blocks, kThreads);
  ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry());
  Evaluator e(b, lanes);
  bindOperands(e, frame, context.kernel);
  Value thread = frame.globalThread();
  auto wide = [&](Value v) { return b.convert(v, b.i64()); };
  for (auto [group, split] : llvm::zip_equal(work, splits)) {
    if (split.threads() == 0) continue;
    Value exists = b.compare(CmpIPredicate::slt, thread, b.constant(b.i32(), double(split.threads())));
    b.ifThen(exists, [&, &group = group, &split = split, lanes = lanes, flat = flat] {
      auto [line, place] = divideWithRest(b, thread, split.perLine);
      // The position of the line in the dimensions before the last, the inner one first.
      SmallVector<Value> indices;
      if (!flat && group.shape.getRank() > 0) {
        llvm::ArrayRef<int64_t> outer = group.shape.getShape().drop_back();
        for (size_t dim = outer.size(); dim-- > 0;) {
          auto [rest, index] = dim > 0 ? divideWithRest(b, line, outer[dim]) : std::pair{Value(), line};
          indices.push_back(wide(index));
          line = rest;
        }
      }
      if (group.shape.getRank() == 0) return e.region([&] { group.store(e, frame, {}); });
      auto withColumn = [&](llvm::function_ref<Coord()> column) {
        e.region([&] {
          Coords at;
          for (Value index : llvm::reverse(indices))
            at.push_back(e.coord(index));
          at.push_back(column());
          group.store(e, frame, at);
        });
      };
      if (!lanes) return withColumn([&] { return e.coord(wide(place)); });
      Value first = b.mul(wide(place), b.index(kLanes));
      int64_t whole = split.columns / kLanes * kLanes;
      if (whole == split.columns) return withColumn([&] { return e.laneCoord(first, {}, kLanes); });
      Value isWhole = b.compare(CmpIPredicate::slt, first, b.index(whole));
      if (whole > 0) b.ifThen(isWhole, [&] { withColumn([&] { return e.laneCoord(first, {}, kLanes); }); });
      b.ifThen(b.compare(CmpIPredicate::sge, first, b.index(whole)), [&] {
        withColumn([&] { return e.laneCoord(b.index(whole), b.prefixMask(split.columns - whole)); });
      });
    });
  }
  frame.finish();
  return mlir::failure(e.failed());
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Map || kernel.getKind() == ir::FusionKind::Scalar;
  switch (*single) {
  case ir::FusionClass::Elementwise:
  case ir::FusionClass::Leaf:
  case ir::FusionClass::Map:
  case ir::FusionClass::ChannelMap:
  case ir::FusionClass::Movement:
  case ir::FusionClass::Other:
    return true;
  default:
    return false;
  }
}

static mlir::LogicalResult emit(KernelContext& context) {
  auto scatters = context.kernel.getBlock().getOps<ir::ScatterAddOp>();
  return emitPositions(context, scatters.empty() ? "" : "every element of a table looks at all updates");
}

extern const KernelKind kPositions{"positions", fits, emit};

} // namespace tailor::backend::cuda
