#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

// --- verifiers

/// [K] table named as recipes name it.
static LogicalResult verifyTable(Operation* op, StringRef name, Value table, int64_t classes) {
  if (!table) return success();
  int64_t entries = tensorType(table).getDimSize(0);
  if (sameSize(entries, classes)) return success();
  return op->emitOpError("expects one ")
         << name << " per class: logits have " << classes << " classes but " << name << " has " << entries
         << (entries == 1 ? " entry" : " entries");
}

/// One entry per row of the logits.
static LogicalResult verifyRows(Operation* op, StringRef name, Value perRow, int64_t rows) {
  if (!perRow || sameSize(tensorType(perRow).getDimSize(0), rows)) return success();
  return op->emitOpError("expects one ") << name << " per row: logits have " << rows << " rows but " << name
                                         << " has " << tensorType(perRow).getDimSize(0);
}

/// Exactly one kind of label: hard (with or without mix) or soft.
template <typename LossOp> static LogicalResult verifyLabels(LossOp op) {
  if (bool(op.getLabels()) == bool(op.getTargets()))
    return op.emitOpError(op.getLabels() ? "takes labels or soft targets, not both"
                                         : "expects labels or soft targets");
  if (bool(op.getMixLabels()) != bool(op.getMixLambda()))
    return op.emitOpError("expects second labels and their lambda together");
  if (!op.getTargets()) return success();
  if (op.getMixLabels()) return op.emitOpError("takes no mix with soft targets; mix the targets themselves");
  if (op.getSmoothing())
    return op.emitOpError("takes no smoothing with soft targets; smooth the targets themselves");
  if (op.getReduction() == Reduction::WeightedMean)
    return op.emitOpError("has no weighted_mean with soft targets; use batch_mean");
  return success();
}

/// Scalar for a reduction, [N] without; f32, f64 for f64 logits.
static RankedTensorType lossType(RankedTensorType logits, Reduction reduction) {
  Type element =
      logits.getElementType().isF64() ? logits.getElementType() : Float32Type::get(logits.getContext());
  SmallVector<int64_t> shape;
  if (reduction == Reduction::None) shape.push_back(logits.getDimSize(0));
  return RankedTensorType::get(shape, element);
}

static LogicalResult verifyLossType(Operation* op, StringRef name, Type type, Type expected) {
  if (type == expected) return success();
  return op->emitOpError("expects ") << name << " of type " << expected << ", got " << type;
}

template <typename LossOp> static LogicalResult verifySoftmaxLoss(LossOp op) {
  RankedTensorType logits = tensorType(op.getLogits());
  int64_t rows = logits.getDimSize(0), classes = logits.getDimSize(1);
  if (failed(verifyLabels(op))) return failure();
  if (op.getTargets() && op.getMargin())
    return op.emitOpError("takes no margin with soft targets; a margin belongs to one label");
  if (op.getTargets() && !sameShape(tensorType(op.getTargets()).getShape(), logits.getShape()))
    return op.emitOpError("expects soft targets of the logits' shape ")
           << shapeText(logits.getShape()) << ", got " << shapeText(tensorType(op.getTargets()).getShape());
  if (op.getFocalGamma() && !(op.getFocalGamma()->convertToDouble() >= 0.0))
    return op.emitOpError("expects focal gamma of at least 0, got ") << op.getFocalGamma()->convertToDouble();
  if (op.getFocalOfWeighted() && !op.getFocalGamma())
    return op.emitOpError("has of_weighted without focal gamma");
  if (!(op.getScale().convertToDouble() > 0.0))
    return op.emitOpError("expects a scale above 0, got ") << op.getScale().convertToDouble();
  return success(succeeded(verifyRows(op, "label", op.getLabels(), rows)) &&
                 succeeded(verifyRows(op, "second label", op.getMixLabels(), rows)) &&
                 succeeded(verifyRows(op, "lambda", op.getMixLambda(), rows)) &&
                 succeeded(verifyTable(op, "class weight", op.getClassWeights(), classes)) &&
                 succeeded(verifyTable(op, "smoothing", op.getSmoothing(), classes)) &&
                 succeeded(verifyTable(op, "margin", op.getMargin(), classes)) &&
                 succeeded(verifyTable(op, "bias", op.getBias(), classes)));
}

template <typename LossOp> static LogicalResult verifySigmoidLoss(LossOp op) {
  int64_t rows = tensorType(op.getLogits()).getDimSize(0);
  return success(succeeded(verifyLabels(op)) && succeeded(verifyRows(op, "label", op.getLabels(), rows)) &&
                 succeeded(verifyRows(op, "second label", op.getMixLabels(), rows)) &&
                 succeeded(verifyRows(op, "lambda", op.getMixLambda(), rows)) &&
                 succeeded(verifyRows(op, "soft target", op.getTargets(), rows)) &&
                 succeeded(verifyTable(op, "class weight", op.getClassWeights(), 2)) &&
                 succeeded(verifyTable(op, "smoothing", op.getSmoothing(), 2)));
}

/// The types of loss, its cotangent and the logits gradient, where the op has them.
template <typename LossOp> static LogicalResult verifyForward(LossOp op) {
  return verifyLossType(op, "a loss", op.getLoss().getType(),
                        lossType(tensorType(op.getLogits()), op.getReduction()));
}
template <typename LossOp> static LogicalResult verifyBackward(LossOp op) {
  if (failed(verifyLossType(op, "a loss gradient", op.getLossGrad().getType(),
                            lossType(tensorType(op.getLogits()), op.getReduction()))))
    return failure();
  return verifyLossType(op, "a logits gradient", op.getLogitsGrad().getType(), op.getLogits().getType());
}

LogicalResult SoftmaxCrossEntropyOp::verify() {
  return failed(verifySoftmaxLoss(*this)) ? failure() : verifyForward(*this);
}
LogicalResult SoftmaxCrossEntropyGradOp::verify() {
  return failed(verifySoftmaxLoss(*this)) ? failure() : verifyBackward(*this);
}
LogicalResult SoftmaxCrossEntropyWithGradOp::verify() {
  return failed(verifySoftmaxLoss(*this)) || failed(verifyForward(*this)) ? failure() : verifyBackward(*this);
}
LogicalResult SigmoidCrossEntropyOp::verify() {
  return failed(verifySigmoidLoss(*this)) ? failure() : verifyForward(*this);
}
LogicalResult SigmoidCrossEntropyGradOp::verify() {
  return failed(verifySigmoidLoss(*this)) ? failure() : verifyBackward(*this);
}
LogicalResult SigmoidCrossEntropyWithGradOp::verify() {
  return failed(verifySigmoidLoss(*this)) || failed(verifyForward(*this)) ? failure() : verifyBackward(*this);
}

// --- derivatives

void SoftmaxCrossEntropyGradOp::build(OpBuilder& builder, OperationState& state, SoftmaxCrossEntropyOp loss,
                                      Value lossGrad) {
  build(builder, state, loss.getLogits().getType(), lossGrad, loss.getLogits(), loss.getLabels(),
        loss.getMixLabels(), loss.getMixLambda(), loss.getTargets(), loss.getClassWeights(),
        loss.getSmoothing(), loss.getMargin(), loss.getBias(), loss.getValid(), loss.getFocalGammaAttr(),
        loss.getFocalOfWeightedAttr(), loss.getScaleAttr(), loss.getReductionAttr());
}

void SoftmaxCrossEntropyWithGradOp::build(OpBuilder& builder, OperationState& state,
                                          SoftmaxCrossEntropyOp loss, Value lossGrad) {
  build(builder, state, loss.getLoss().getType(), loss.getLogits().getType(), lossGrad, loss.getLogits(),
        loss.getLabels(), loss.getMixLabels(), loss.getMixLambda(), loss.getTargets(), loss.getClassWeights(),
        loss.getSmoothing(), loss.getMargin(), loss.getBias(), loss.getValid(), loss.getFocalGammaAttr(),
        loss.getFocalOfWeightedAttr(), loss.getScaleAttr(), loss.getReductionAttr());
}

void SigmoidCrossEntropyGradOp::build(OpBuilder& builder, OperationState& state, SigmoidCrossEntropyOp loss,
                                      Value lossGrad) {
  build(builder, state, loss.getLogits().getType(), lossGrad, loss.getLogits(), loss.getLabels(),
        loss.getMixLabels(), loss.getMixLambda(), loss.getTargets(), loss.getClassWeights(),
        loss.getSmoothing(), loss.getValid(), loss.getReductionAttr());
}

void SigmoidCrossEntropyWithGradOp::build(OpBuilder& builder, OperationState& state,
                                          SigmoidCrossEntropyOp loss, Value lossGrad) {
  build(builder, state, loss.getLoss().getType(), loss.getLogits().getType(), lossGrad, loss.getLogits(),
        loss.getLabels(), loss.getMixLabels(), loss.getMixLambda(), loss.getTargets(), loss.getClassWeights(),
        loss.getSmoothing(), loss.getValid(), loss.getReductionAttr());
}

bool SoftmaxCrossEntropyOp::hasOperandGradient(unsigned operandIndex) {
  if (operandIndex == 0) return true;
  MutableOperandRange bias = getBiasMutable();
  return !bias.empty() && bias[0].getOperandNumber() == operandIndex;
}

// The bias is added to every row's logits, so its gradient is the sum of theirs.
LogicalResult SoftmaxCrossEntropyOp::buildVjp(OpBuilder& builder, ValueRange cotangents,
                                              ArrayRef<bool> needed, SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(getNumOperands(), Value());
  Value logitsGrad = b.create<SoftmaxCrossEntropyGradOp>(*this, cotangents[0]);
  if (needed[0]) gradients[0] = logitsGrad;
  if (!getBias()) return success();
  unsigned bias = getBiasMutable()[0].getOperandNumber();
  if (needed[bias]) gradients[bias] = b.cast(b.sum(logitsGrad, {0}), tensorType(getBias()).getElementType());
  return success();
}

bool SigmoidCrossEntropyOp::hasOperandGradient(unsigned operandIndex) {
  return operandIndex == 0;
}

LogicalResult SigmoidCrossEntropyOp::buildVjp(OpBuilder& builder, ValueRange cotangents,
                                              ArrayRef<bool> needed, SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(getNumOperands(), Value());
  if (needed[0]) gradients[0] = b.create<SigmoidCrossEntropyGradOp>(*this, cotangents[0]);
  return success();
}

} // namespace tailor::ir
