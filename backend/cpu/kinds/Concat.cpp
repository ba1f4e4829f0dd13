// A lone concat along the last of several dimensions: rows of vector copies, piece by piece.
#include "backend/codegen/EvaluateOps.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;

/// A kernel that only joins columns.
static ir::ConcatOp loneConcat(ir::KernelOp kernel) {
  auto concat = mlir::dyn_cast<ir::ConcatOp>(kernel.getBlock().front());
  if (!concat || kernel.getKind() != ir::FusionKind::Single) return {};
  RankedTensorType type = tensorTypeOf(concat.getResult());
  return type.getRank() >= 2 && int64_t(concat.getDim()) == type.getRank() - 1 && type.getNumElements() > 0
             ? concat
             : ir::ConcatOp();
}

static bool fits(ir::KernelOp kernel) {
  return bool(loneConcat(kernel));
}

static mlir::LogicalResult emitConcat(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  ir::ConcatOp concat = loneConcat(kernel);
  RankedTensorType type = tensorTypeOf(concat.getResult());
  int64_t columns = type.getShape().back(), inner = columnsOf(type) / columns;
  int64_t block = std::max<int64_t>(1, 8192 / columnsOf(type));
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  context.info.rows = type.getDimSize(0);
  context.info.units = {1, block};
  auto [from, to] = rowRange(b, frame.begin, frame.end, block, frame.size(0));
  Value target = frame.buffer(resultSlot(kernel, 0));
  mlir::Type element = type.getElementType();
  SmallVector<Value> sources;
  for (Value input : concat.getInputs())
    sources.push_back(frame.buffer(mlir::cast<mlir::BlockArgument>(input).getArgNumber()));
  b.loop(b.mul(from, b.index(inner)), b.mul(to, b.index(inner)), 1, {}, [&](Value row, ValueRange) {
    Value place = b.mul(row, b.index(columns));
    for (auto [input, source] : llvm::zip_equal(concat.getInputs(), sources)) {
      int64_t width = tensorTypeOf(input).getShape().back();
      Value first = b.mul(row, b.index(width));
      for (int64_t at = 0; at < width; at += b.lanes()) {
        Value mask = width - at < b.lanes() ? b.prefixMask(width - at) : Value();
        Value piece = b.loadLanes(source, element, b.add(first, b.index(at)), mask);
        b.store(piece, target, b.add(place, b.index(at)), mask);
      }
      place = b.add(place, b.index(width));
    }
    return SmallVector<Value>();
  });
  frame.finish();
  return mlir::success();
}

extern const KernelKind kConcat{"concat", fits, emitConcat};

} // namespace tailor::backend
