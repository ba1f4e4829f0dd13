// Reductions over the rows, a vector of channels at a time.
#include "backend/codegen/EvaluateOps.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;

static mlir::LogicalResult emitColumns(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  // [C] results come from reductions over the rows of [R, ..., C] values; other results have that shape.
  SmallVector<ResultGroup> groups = groupResults(kernel);
  std::optional<ColumnShape> shape = columnShapeOf(kernel);
  if (!shape) return emitGeneric(context, "its values do not share one number of rows and channels");
  const int64_t rows = shape->rows, channels = shape->channels;

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  Value runTimeRows = frame.size(0);
  e.setRows(runTimeRows);
  bindOperands(e, frame, kernel);
  int64_t lanes = b.lanes();
  context.info.rows = rows;
  context.info.units = {(channels + lanes - 1) / lanes, 0};
  e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
    Value first = b.mul(unit, b.index(lanes));
    bool ragged = channels % lanes != 0;
    Coord channel = e.laneCoord(first, ragged ? b.prefixMask(b.sub(b.index(channels), first)) : Value());
    for (const ResultGroup& group : groups) {
      SmallVector<Value> pointers;
      for (unsigned result : group.results)
        pointers.push_back(frame.buffer(resultSlot(kernel, result)));
      auto storeAt = [&](ArrayRef<Coord> at) {
        SmallVector<Value> values;
        for (unsigned result : group.results)
          values.push_back(e.at(yieldedValues(kernel)[result], at));
        for (auto [i, result] : llvm::enumerate(group.results))
          e.store(values[i], pointers[i], tensorTypeOf(yieldedValues(kernel)[result]), at);
      };
      std::function<void(Coords)> nest = [&](Coords coords) {
        auto dim = static_cast<int64_t>(coords.size());
        if (dim + 1 == group.shape.getRank()) {
          coords.push_back(channel);
          storeAt(coords);
          return;
        }
        Value extent = dim == 0 ? runTimeRows : b.index(group.shape.getDimSize(dim));
        e.loop(b.index(0), extent, 1, {}, [&](Value index, ValueRange) {
          Coords inner = coords;
          inner.push_back(e.coord(index));
          nest(inner);
          return SmallVector<Value>();
        });
      };
      nest({});
    }
    return SmallVector<Value>();
  });
  return outcome(e, frame);
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Columns;
  return *single == ir::FusionClass::ColumnReduction || *single == ir::FusionClass::BatchNorm;
}

extern const KernelKind kColumns{"columns", fits, emitColumns};

} // namespace tailor::backend
