#include "backend/reference/Evaluators.h"
#include "backend/reference/Loss.h"
#include "ir/Tailor.h"

/// The cross-entropies, their gradients and the two together.
namespace tailor::backend::reference {
namespace {

using llvm::failure;
using llvm::LogicalResult;
using llvm::success;

std::optional<Tensor> optionalOperand(mlir::Operation* op, Operands in, mlir::Value value) {
  const Tensor* tensor = operandOf(op, in, value);
  return tensor ? std::optional<Tensor>(*tensor) : std::nullopt;
}

LossReduction reductionOf(ir::Reduction reduction) {
  switch (reduction) {
  case ir::Reduction::None:
    return LossReduction::none;
  case ir::Reduction::BatchMean:
    return LossReduction::batchMean;
  case ir::Reduction::WeightedMean:
    return LossReduction::weightedMean;
  case ir::Reduction::Sum:
    return LossReduction::sum;
  }
  llvm_unreachable("a loss has four reductions");
}

/// Labels of valid rows must name classes; those of padding rows are never looked at.
LogicalResult checkLabels(mlir::Operation* op, const std::optional<Tensor>& labels, int64_t rows,
                          int64_t numClasses) {
  for (int64_t n = 0; labels && n < std::min(rows, labels->size()); ++n)
    if (const int64_t label = labels->integers()[n]; label < 0 || label >= numClasses)
      return op->emitOpError("label ") << label << " of row " << n << " is outside [0, " << numClasses << ")";
  return success();
}

/// Operands and attributes that all six ops share; OpT decides which of them exist.
template <typename OpT> LogicalResult evaluateRows(OpT op, Operands in, LossResult& rows) {
  constexpr bool isSoftmax = requires {
    op.getMargin();
  };
  const Tensor& logits = *operandOf(op, in, op.getLogits());
  const LossTargets targets{.labels = optionalOperand(op, in, op.getLabels()),
                            .labelsB = optionalOperand(op, in, op.getMixLabels()),
                            .lambda = optionalOperand(op, in, op.getMixLambda()),
                            .soft = optionalOperand(op, in, op.getTargets())};
  LossOptions options{.weights = optionalOperand(op, in, op.getClassWeights()),
                      .smoothing = optionalOperand(op, in, op.getSmoothing()),
                      .reduction = reductionOf(op.getReduction()),
                      .valid = countOf(op, in, op.getValid(), logits.dim(0))};
  if constexpr (isSoftmax) {
    options.margin = optionalOperand(op, in, op.getMargin());
    options.bias = optionalOperand(op, in, op.getBias());
    if (auto gamma = op.getFocalGamma()) options.focalGamma = gamma->convertToDouble();
    options.focalOfWeighted = op.getFocalOfWeighted();
    options.scale = op.getScale().convertToDouble();
  }
  const int64_t numClasses = isSoftmax ? logits.dim(1) : 2;
  if (failed(checkLabels(op, targets.labels, *options.valid, numClasses)) ||
      failed(checkLabels(op, targets.labelsB, *options.valid, numClasses)))
    return failure();
  rows = isSoftmax ? softmaxCrossEntropy(logits, targets, options)
                   : sigmoidCrossEntropy(logits, targets, options);
  return success();
}

template <typename LossOp, typename GradOp, typename WithGradOp> void addFamily(Evaluators& evaluators) {
  evaluators.add<LossOp>([](LossOp op, Operands in, Results& out) -> LogicalResult {
    LossResult rows;
    if (failed(evaluateRows(op, in, rows))) return failure();
    out.push_back(reduceLoss(rows, reductionOf(op.getReduction())));
    return success();
  });
  evaluators.add<GradOp>([](GradOp op, Operands in, Results& out) -> LogicalResult {
    LossResult rows;
    if (failed(evaluateRows(op, in, rows))) return failure();
    out.push_back(lossGradient(rows, reductionOf(op.getReduction()), *operandOf(op, in, op.getLossGrad())));
    return success();
  });
  evaluators.add<WithGradOp>([](WithGradOp op, Operands in, Results& out) -> LogicalResult {
    LossResult rows;
    if (failed(evaluateRows(op, in, rows))) return failure();
    const LossReduction reduction = reductionOf(op.getReduction());
    out.push_back(reduceLoss(rows, reduction));
    out.push_back(lossGradient(rows, reduction, *operandOf(op, in, op.getLossGrad())));
    return success();
  });
}

} // namespace

void addLoss(Evaluators& evaluators) {
  addFamily<ir::SoftmaxCrossEntropyOp, ir::SoftmaxCrossEntropyGradOp, ir::SoftmaxCrossEntropyWithGradOp>(
      evaluators);
  addFamily<ir::SigmoidCrossEntropyOp, ir::SigmoidCrossEntropyGradOp, ir::SigmoidCrossEntropyWithGradOp>(
      evaluators);
}

} // namespace tailor::backend::reference
