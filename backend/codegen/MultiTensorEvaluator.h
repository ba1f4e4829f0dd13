#pragma once
/// The optimizer ops, element by element: global_norm, sam.perturb, parameter updates, averages.
///
/// The tensors of a role lie one after the other in one region of memory, and regions have the same layout, so an op is
/// the same function of the elements at one index of each. A role is named by its first tensor.

#include "backend/codegen/Evaluator.h"

#include "ir/Tailor.h"

namespace tailor::backend {

class MultiTensorEvaluator {
public:
  /// Scalars (rates, norms) are asked of `e`.
  MultiTensorEvaluator(Evaluator& e, ir::KernelOp kernel) : b_(e.builder()), e_(e), kernel_(kernel) {}

  /// The memory of the region behind `first`.
  void bind(mlir::Value first, mlir::Value memory) { memory_[first] = memory; }
  /// Emits what does not change with the index.
  void prepare();
  /// From here on tensors are of segment `segment` (an i64) of `update`, which has several.
  void setSegment(ir::MultiTensorOpInterface update, mlir::Value segment);

  /// From here on values are those of the lanes from `index` on, a multiple of `multiple`, which all exist.
  void setIndex(mlir::Value index, int64_t multiple = 1);
  /// Evaluates every op; `decays` says whether weight decay acts here.
  void evaluate(bool decays);
  /// A role at the index: read, or what `evaluate` made of it.
  mlir::Value at(mlir::Value first);
  /// sum + x^2, for the x whose norm is taken.
  mlir::Value addSquare(ir::GlobalNormOp norm, mlir::Value sum);

private:
  mlir::Value scalar(mlir::Value operand) { return e_.at(operand, {}); }
  mlir::Value wide(mlir::Value operand) { return b_.splat(scalar(operand)); }
  mlir::Value lr(mlir::ValueRange perSegment) { return lr_ ? lr_ : wide(perSegment.front()); }
  mlir::Value weightDecay(mlir::ValueRange perSegment) {
    return weightDecay_ ? weightDecay_ : wide(perSegment.front());
  }
  /// `fresh`, or `old` when the step is empty.
  mlir::Value unlessEmpty(mlir::Value valid, mlir::Value fresh, mlir::Value old);
  void perturb(ir::SamPerturbOp op);
  void update(ir::SgdUpdateOp op, bool decays);
  void update(ir::AdamwUpdateOp op, bool decays);
  void average(ir::EmaUpdateOp op);

  LaneBuilder& b_;
  Evaluator& e_;
  ir::KernelOp kernel_;
  mlir::Value index_;
  int64_t multiple_ = 1;
  mlir::Value lr_, weightDecay_;                    ///< of the current segment; null where there is one
  llvm::DenseMap<mlir::Value, mlir::Value> memory_; ///< first tensor of a role -> its region
  llvm::DenseMap<mlir::Value, mlir::Value> values_; ///< first tensor of a role -> its lanes at index_
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<mlir::Value>> factors_;
};

} // namespace tailor::backend
