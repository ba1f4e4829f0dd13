// Bodies of one micro-batch: what AccumulateGradients puts in the place of the body of a loss.
#pragma once

#include "ir/Tailor.h"
#include "passes/analysis/RowTerms.h"

#include "mlir/IR/SymbolTable.h"

#include <map>
#include <optional>
#include <tuple>
#include <vector>

namespace tailor::passes {

/// What a body is to its rows, and the two that take its place.
struct PartBody {
  llvm::SmallVector<RowTerm> terms; ///< of its results
  llvm::SmallVector<std::optional<unsigned>>
      chains; ///< argument that holds the running statistic a result moves
  /// The share of one micro-batch: two kinds of arguments more, the share and one factor a quotient.
  ir::BodyOp part;
  ir::BodyOp totals; ///< the divisor of each quotient over one micro-batch; null without quotients
  llvm::SmallVector<mlir::RankedTensorType> factors; ///< types of the factors
};

/// Makes the parts of bodies, each once.
class PartBodies {
public:
  explicit PartBodies(mlir::SymbolTable& symbols) : symbols_(symbols) {}

  /// For a call of `body` on arguments of these terms that is differentiated by `wrt`; empty `wrt`: which is not. Fails
  /// with an error at `call` or in the body if it is no sum over its rows.
  mlir::FailureOr<PartBody> partOf(mlir::Operation* call, ir::BodyOp body, llvm::ArrayRef<RowTerm> arguments,
                                   llvm::ArrayRef<int64_t> wrt, int64_t rows);

  /// A body of `operands` that adds each second one to the one before it; made for what `part` gives.
  ir::BodyOp sumOf(ir::BodyOp part, mlir::Operation* origin, mlir::ValueRange operands);

private:
  using Key = std::tuple<mlir::Operation*, std::vector<RowTerm>, std::vector<int64_t>>;

  ir::BodyOp cloned(ir::BodyOp body, llvm::StringRef suffix);
  mlir::LogicalResult inlineCalls(mlir::Operation* call, ir::BodyOp body);
  /// A body that computes what the quotients divide by: from labels and weights, so most of the original is dead in it.
  mlir::LogicalResult makeTotals(mlir::Operation* call, ir::BodyOp part,
                                 llvm::ArrayRef<RowQuotient> quotients, llvm::ArrayRef<int64_t> wrt,
                                 PartBody& made);

  mlir::SymbolTable& symbols_;
  std::map<Key, PartBody> made_;
  llvm::DenseMap<mlir::Operation*, ir::BodyOp> sums_; ///< by part
};

} // namespace tailor::passes
