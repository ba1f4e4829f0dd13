// What the values of a block are to the rows of a batch: which of them can be made from parts of the batch.
#pragma once

#include "ir/Tailor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace tailor::passes {

/// With v rows of N in the batch and x(n) a function of row n alone (and of statistics of batch norms):
enum class RowTerm {
  free,  ///< no function of the batch's rows
  count, ///< a function of the number of valid rows alone
  key,   ///< of random draws: row n of the batch draws by its own number
  rows,  ///< dimension 0 runs over the rows: element n is x(n)
  sum,   ///< sum over the valid rows of x(n), or what is linear in one
  mean, ///< the same divided by the number of valid rows, or by another sum (RowTerms::quotients); plus what is free
  largest,   ///< maximum over the rows of x(n)
  least,     ///< minimum over the rows of x(n)
  statistic, ///< of a batch norm: mean and deviation over the rows, and running statistics made of them
  mixed,     ///< anything else that depends on several rows
};

llvm::StringRef stringifyRowTerm(RowTerm term);

/// A mean that is divided by a sum over the rows (of their weights) and not by their number: the result of a
/// cross-entropy with `weighted_mean`, or of a division.
struct RowQuotient {
  mlir::Operation* op;
  mlir::Value total; ///< the sum that a division divides by; null for a loss op, which makes its own
};

/// Follows values op by op, in the order of a block. What it has no rule for is mixed as soon as it reads a row: whoever
/// asks must be right about every term that is not.
class RowTerms {
public:
  /// `rows`: of the batch, the size of dimension 0 of its inputs.
  explicit RowTerms(int64_t rows) : rows_(rows) {}

  /// Says what a value is that comes from outside; values nobody speaks of are free.
  void set(mlir::Value value, RowTerm term) { terms_[value] = term; }
  /// The terms of the results of an op, those that are set() apart.
  void follow(mlir::Operation* op);
  void follow(mlir::Block& block);

  RowTerm operator[](mlir::Value value) const;
  /// In the order in which they were met.
  llvm::ArrayRef<RowQuotient> quotients() const { return quotients_; }
  /// The op that made the value mixed, or a maximum or minimum: the first on the way to it; null if it was set so.
  mlir::Operation* cause(mlir::Value value) const { return causes_.lookup(value); }

private:
  RowTerm termOf(mlir::Operation* op, mlir::Value result);
  RowTerm ofElementwise(mlir::Operation* op);
  RowTerm ofContraction(ir::DotOp dot);
  RowTerm ofReduction(mlir::Operation* op, llvm::ArrayRef<int64_t> dims);
  RowTerm ofLoss(mlir::Operation* op, ir::Reduction reduction, mlir::Value valid);
  mlir::Value totalOf(mlir::Value divisor) const;
  bool runsOverRows(mlir::Value value) const;
  bool all(mlir::Operation* op, llvm::ArrayRef<RowTerm> terms) const;
  bool any(mlir::Operation* op, RowTerm term) const;

  int64_t rows_;
  llvm::DenseMap<mlir::Value, RowTerm> terms_;
  llvm::DenseMap<mlir::Value, mlir::Operation*> causes_;
  llvm::SmallVector<RowQuotient> quotients_;
};

} // namespace tailor::passes
