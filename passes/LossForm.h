// The options of a softmax_cross_entropy as a value that a pass can edit, and the questions about tables that
// FuseClassWeights asks.
#pragma once

#include "llvm/ADT/DenseSet.h"

#include "ir/Tailor.h"

namespace tailor::passes {

/// Every operand and option of softmax_cross_entropy; null operands are absent.
struct LossForm {
  mlir::Value logits, labels, mixLabels, mixLambda, targets, classWeights, smoothing, margin, bias, valid;
  mlir::FloatAttr focalGamma;
  bool focalOfWeighted = false;
  llvm::APFloat scale{1.0};
  ir::Reduction reduction = ir::Reduction::None;
  mlir::Type elementType; ///< of the loss

  LossForm() = default;
  explicit LossForm(ir::SoftmaxCrossEntropyOp loss);

  /// The op with these options: [N] row losses or a scalar, as the reduction says.
  ir::SoftmaxCrossEntropyOp create(mlir::OpBuilder& builder, mlir::Location loc) const;

  /// The same, answering to the op id of `original`.
  ir::SoftmaxCrossEntropyOp createLike(mlir::OpBuilder& builder, mlir::Location loc,
                                       ir::SoftmaxCrossEntropyOp original) const;
};

/// Values that depend on an argument some value_and_grad differentiates: they need a gradient, so they cannot
/// become a table of the loss.
class TrainedValues {
public:
  explicit TrainedValues(mlir::Operation* scope);

  bool contains(mlir::Value value) const;

private:
  llvm::DenseSet<mlir::Value> arguments_;
};

/// Recognises eps in the two factors of hand-written smoothing.
class SmoothingTable {
public:
  /// `perClass`: the uniform term is a mean over the classes, else a sum.
  SmoothingTable(mlir::Value labels, int64_t numClasses, bool perClass)
      : labels_(labels), numClasses_(numClasses), perClass_(perClass) {}

  /// A [K] table eps with keep = 1 - eps[y] and spread = eps[y] (mean) or eps[y] / K (sum); both factors are
  /// constants, broadcast scalars or lookups by label. Null if they are not of this form.
  mlir::Value match(mlir::Value keep, mlir::Value spread, mlir::OpBuilder& builder, mlir::Location loc) const;

private:
  mlir::Value undoDivision(mlir::Value spread) const;

  mlir::Value labels_;
  int64_t numClasses_;
  bool perClass_;
};

} // namespace tailor::passes
