#pragma once
/// Columns that are made of rows: which results are sums or means over all but the last dimension, and what a position adds to them.
/// (ChannelReduction is for what an image keeps more than sums of.)

#include "backend/codegen/Evaluator.h"

#include <functional>
#include <optional>

namespace tailor::backend {

/// [R, ..., C] -> [C]: share(at) is added over all positions of `over`, in an order that is the kind's, and finish(total, channel)
/// is the op's result at a channel.
struct ColumnTotal {
  mlir::Value over;
  std::function<mlir::Value(llvm::ArrayRef<Coord> at)> share;
  std::function<mlir::Value(mlir::Value total, const Coord& channel)> finish;
};

/// The total behind a result; nullopt if the op does not reduce so. A result may need others of its op at the channel (a
/// variance the mean).
std::optional<ColumnTotal> columnTotalOf(Evaluator& e, mlir::OpResult result);
/// Its value in one go.
mlir::Value valueOf(Evaluator& e, const ColumnTotal& total, const Coord& channel);

// --- by family
std::optional<ColumnTotal> reductionColumnTotal(Evaluator& e, mlir::OpResult result);
std::optional<ColumnTotal> normColumnTotal(Evaluator& e, mlir::OpResult result);

} // namespace tailor::backend
