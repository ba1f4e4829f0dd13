#pragma once
/// Scalars that are made of rows: which of a kernel's are sums over its rows, and what a row adds to them.

#include "backend/codegen/Evaluator.h"

#include "ir/Tailor.h"

#include <functional>
#include <optional>

namespace tailor::backend {

/// A loss, sum or mean over the rows: share(row) is added over all rows, in an order that is the kind's, and finish(total)
/// is the op's scalar result.
struct RowTotal {
  std::function<mlir::Value(const Coord& row)> share;
  std::function<mlir::Value(mlir::Value total)> finish;
};

/// The used rank-0 values made from values that have rows; nullopt if one of them is no sum over the rows.
std::optional<llvm::SmallVector<mlir::OpResult>> sumsOverRows(ir::KernelOp kernel);

/// The total behind a rank-0 result; nullopt if the op does not reduce over rows.
std::optional<RowTotal> rowTotalOf(Evaluator& e, mlir::OpResult result);
/// That of a loss: nullopt for other ops, and for losses of single rows.
std::optional<RowTotal> lossRowTotal(Evaluator& e, mlir::OpResult result);

} // namespace tailor::backend
