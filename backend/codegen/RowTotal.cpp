#include "backend/codegen/RowTotal.h"

#include "backend/codegen/EvaluateOps.h"
#include "ir/Fusion.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;

std::optional<llvm::SmallVector<mlir::OpResult>> sumsOverRows(ir::KernelOp kernel) {
  llvm::SmallVector<mlir::OpResult> totals;
  for (mlir::Operation& op : kernel.getBlock())
    for (mlir::OpResult result : op.getResults()) {
      auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
      if (tensorTypeOf(result).getRank() != 0 || result.use_empty() ||
          llvm::none_of(op.getOperands(), hasRows))
        continue;
      if (!mlir::isa<ir::MaskedMeanOp, ir::ReduceSumOp, ir::ReduceMeanOp>(op) &&
          ir::fusionClassOf(&op) != ir::FusionClass::Loss)
        return std::nullopt;
      totals.push_back(result);
    }
  return totals;
}

std::optional<RowTotal> rowTotalOf(Evaluator& e, mlir::OpResult result) {
  LaneBuilder& b = e.builder();
  mlir::Operation* op = result.getOwner();
  if (auto mean = mlir::dyn_cast<ir::MaskedMeanOp>(op)) {
    Value x = mean.getOperand();
    if (tensorTypeOf(x).getRank() != 1) return std::nullopt;
    auto valid = [&e, mean, x]() mutable { return validRows(e, mean.getValid(), e.extent(x, 0)); };
    return RowTotal{
        [&e, &b, x, valid](const Coord& row) mutable {
          Value value = e.at(x, {row});
          return b.select(isBelow(e, row, valid()), value, b.zeroLike(value));
        },
        [&b, valid](Value total) mutable { return b.div(total, b.toFloat(b.max(valid(), b.index(1)))); }};
  }
  if (mlir::isa<ir::ReduceSumOp, ir::ReduceMeanOp>(op) && tensorTypeOf(result).getRank() == 0) {
    Value x = op->getOperand(0);
    RankedTensorType type = tensorTypeOf(x);
    if (type.getRank() == 0 || !e.valueTypeOf(x).isF32()) return std::nullopt;
    SmallVector<int64_t> inner;
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      inner.push_back(dim);
    int64_t columns = columnsOf(type);
    bool isMean = mlir::isa<ir::ReduceMeanOp>(op);
    return RowTotal{[&e, x, inner](const Coord& row) {
                      if (inner.empty()) return e.at(x, {row});
                      Coords coords(inner.size() + 1);
                      coords[0] = row;
                      return e.sum(x, inner, coords, [&](ArrayRef<Coord> at) { return e.at(x, at); });
                    },
                    [&e, &b, x, columns, isMean](Value total) {
                      if (!isMean) return total;
                      return b.div(total, b.toFloat(b.mul(e.extent(x, 0), b.index(columns))));
                    }};
  }
  return lossRowTotal(e, result);
}

} // namespace tailor::backend
