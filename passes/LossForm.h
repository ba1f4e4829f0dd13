// The options of a softmax_cross_entropy as a value that a pass can edit.
#pragma once

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

} // namespace tailor::passes
