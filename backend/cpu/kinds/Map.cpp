// Elementwise work: rows, or one flat loop where all values are lane by lane the same position.
#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/LaneRules.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

/// for position in [from, to) in vectors, the last one masked.
void laneLoop(Evaluator& e, VectorBuilder& b, Value from, Value to, bool heavy,
              llvm::function_ref<void(ArrayRef<Coord>)> body) {
  int64_t lanes = b.lanes();
  auto none = [] { return SmallVector<Value>(); };
  if (heavy) { // one copy of the code, masked all the way
    e.loop(from, to, lanes, {}, [&](Value index, ValueRange) {
      Coord at = e.laneCoord(index, b.prefixMask(b.sub(to, index)));
      body(at);
      return none();
    });
    return;
  }
  Value count = b.sub(to, from);
  Value rest = b.bitAnd(count, b.index(lanes - 1));
  Value full = b.sub(to, rest);
  e.loop(from, full, lanes, {}, [&](Value index, ValueRange) {
    Coord at = e.laneCoord(index);
    body(at);
    return none();
  });
  b.ifThen(b.compare(CmpIPredicate::ne, rest, b.index(0)), [&] {
    e.region([&] {
      Coord at = e.laneCoord(full, b.prefixMask(rest));
      body(at);
    });
  });
}

} // namespace

static mlir::LogicalResult emitMap(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  SmallVector<ResultGroup> groups = groupResults(kernel);
  RankedTensorType domain = groups.front().shape;
  for (const ResultGroup& group : groups) {
    if (group.shape.getRank() == 0 || group.shape.getDimSize(0) != domain.getDimSize(0))
      return emitGeneric(context, "its results have different numbers of rows");
    if (group.shape.getRank() > domain.getRank()) domain = group.shape;
  }
  bool lanes = lanesPassThrough(kernel);
  for (mlir::Operation& op : kernel.getBlock())
    if (mlir::isa<ir::TransposeOp, ir::ReshapeOp>(op))
      return emitGeneric(context, "it reshapes or transposes, so that rows may not stay dimension 0");
  bool flat = groups.size() == 1 && isFlat(kernel, domain.getShape());
  bool lanesAlongRows = groups.size() == 1 && domain.getRank() == 1 && lanes;
  bool heavy = costOf(kernel) > 12 && context.target.lanes == 16;

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, lanes);
  bindOperands(e, frame, kernel);
  int64_t columns = std::max<int64_t>(1, columnsOf(domain));
  int64_t block = std::max<int64_t>(1, 8192 / columns);
  context.info.rows = domain.getDimSize(0);
  context.info.units = {1, block};
  auto [from, to] = rowRange(b, frame.begin, frame.end, block, frame.size(0));
  if (flat || lanesAlongRows) {
    SmallVector<Value> pointers;
    for (unsigned result = 0; result < yieldedValues(kernel).size(); ++result)
      pointers.push_back(frame.buffer(resultSlot(kernel, result)));
    if (flat) {
      from = b.mul(from, b.index(columns));
      to = b.mul(to, b.index(columns));
    }
    laneLoop(e, b, from, to, heavy, [&](ArrayRef<Coord> at) { storeAt(e, frame, kernel, pointers, at); });
  } else {
    e.loop(from, to, 1, {}, [&](Value row, ValueRange) {
      Coord at = e.coord(row);
      for (const ResultGroup& group : groups)
        storeGroup(e, frame, kernel, group, {at});
      return SmallVector<Value>();
    });
  }
  return outcome(e, frame);
}

/// True for ops that gather elements within their rows: dimension 0 passes through, so the rows are a loop whose
/// length is known at run time.
static bool gathersWithinRows(mlir::Operation& op) {
  if (mlir::isa<ir::MaxPool2dOp, ir::AvgPool2dOp, ir::AvgPool2dGradOp>(op)) return true;
  if (auto slice = mlir::dyn_cast<ir::SliceOp>(op)) {
    RankedTensorType from = tensorTypeOf(slice.getOperand());
    return from.getRank() > 1 && slice.getStarts()[0] == 0 && slice.getStrides()[0] == 1 &&
           slice.getLimits()[0] == from.getDimSize(0);
  }
  if (auto pad = mlir::dyn_cast<ir::PadOp>(op))
    return tensorTypeOf(pad.getOperand()).getRank() > 1 && pad.getLow()[0] == 0 && pad.getHigh()[0] == 0 &&
           pad.getInterior()[0] == 0;
  if (auto concat = mlir::dyn_cast<ir::ConcatOp>(op)) return concat.getDim() != 0;
  if (auto roll = mlir::dyn_cast<ir::RollOp>(op)) return roll.getDim() != 0;
  return false;
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Map;
  switch (*single) {
  case ir::FusionClass::Elementwise:
  case ir::FusionClass::Leaf:
  case ir::FusionClass::Map:
  case ir::FusionClass::ChannelMap:
  case ir::FusionClass::Movement:
    return true;
  case ir::FusionClass::Other:
    return gathersWithinRows(kernel.getBlock().front());
  default:
    return false;
  }
}

extern const KernelKind kMap{"map", fits, emitMap};

} // namespace tailor::backend
