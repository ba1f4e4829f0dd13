#include "backend/codegen/ColumnTotal.h"

#include "backend/codegen/EvaluateOps.h"

namespace tailor::backend {

using mlir::Value;

std::optional<ColumnTotal> columnTotalOf(Evaluator& e, mlir::OpResult result) {
  std::optional<ColumnTotal> total = reductionColumnTotal(e, result);
  return total ? total : normColumnTotal(e, result);
}

Value valueOf(Evaluator& e, const ColumnTotal& total, const Coord& channel) {
  int64_t rank = tensorTypeOf(total.over).getRank();
  llvm::SmallVector<int64_t> dims = allButLast(rank);
  return total.finish(e.sum(total.over, dims, withHoles({channel}, dims, rank), total.share), channel);
}

} // namespace tailor::backend
