#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

// --- types

/// The last dimension of the input has as many channels as each vector; `minRank` dimensions at least.
template <typename ConcreteOp>
static LogicalResult checkChannels(std::optional<Location> location, RankedTensorType input, int64_t minRank,
                                   ArrayRef<std::pair<StringRef, Value>> vectors) {
  if (input.getRank() < minRank)
    return inferError<ConcreteOp>(location, "expects an input of at least ", minRank, " dimensions, got ",
                                  input.getRank());
  int64_t channels = input.getShape().back();
  for (auto [name, vector] : vectors)
    if (!sameSize(tensorType(vector).getDimSize(0), channels))
      return inferError<ConcreteOp>(location, "expects one ", name, " per channel: the input has ", channels,
                                    " channels but ", name, " has ", tensorType(vector).getDimSize(0),
                                    " entries");
  return success();
}

template <typename ConcreteOp>
static LogicalResult checkResultGrad(std::optional<Location> location, RankedTensorType input,
                                     RankedTensorType grad) {
  if (sameShape(input.getShape(), grad.getShape())) return success();
  return inferError<ConcreteOp>(location, "expects a result gradient of the input's shape ",
                                shapeText(input.getShape()), ", got ", shapeText(grad.getShape()));
}

LogicalResult BatchNormTrainOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                 Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkChannels<BatchNormTrainOp>(location, input, 2,
                                             {{"scale", adaptor.getScale()}, {"bias", adaptor.getBias()}})))
    return failure();
  types.push_back(input);
  types.append(3, adaptor.getScale().getType());
  return success();
}

LogicalResult BatchNormGradOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkResultGrad<BatchNormGradOp>(location, input, tensorType(adaptor.getResultGrad()))) ||
      failed(checkChannels<BatchNormGradOp>(
          location, input, 2,
          {{"scale", adaptor.getScale()}, {"mean", adaptor.getMean()}, {"inv_std", adaptor.getInvStd()}})))
    return failure();
  types.push_back(input);
  types.append(2, adaptor.getScale().getType());
  return success();
}

LogicalResult BatchNormStatisticsOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                      Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkChannels<BatchNormStatisticsOp>(location, input, 2, {}))) return failure();
  Type element = input.getElementType();
  if (element.isBF16()) element = Float32Type::get(input.getContext()); // too narrow for a sum over images
  types.append(2, RankedTensorType::get({input.getShape().back()}, element));
  return success();
}

LogicalResult BatchNormApplyOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                 Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkChannels<BatchNormApplyOp>(
          location, input, 2,
          {{"mean", adaptor.getMean()}, {"factor", adaptor.getFactor()}, {"bias", adaptor.getBias()}})))
    return failure();
  types.push_back(input);
  return success();
}

LogicalResult BatchNormGradStatisticsOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                          Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(
          checkResultGrad<BatchNormGradStatisticsOp>(location, input, tensorType(adaptor.getResultGrad()))) ||
      failed(checkChannels<BatchNormGradStatisticsOp>(
          location, input, 2, {{"mean", adaptor.getMean()}, {"inv_std", adaptor.getInvStd()}})))
    return failure();
  types.append(2, adaptor.getMean().getType());
  return success();
}

LogicalResult BatchNormGradApplyOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                     Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkResultGrad<BatchNormGradApplyOp>(location, input, tensorType(adaptor.getResultGrad()))) ||
      failed(checkChannels<BatchNormGradApplyOp>(location, input, 2,
                                                 {{"mean", adaptor.getMean()},
                                                  {"factor", adaptor.getFactor()},
                                                  {"slope", adaptor.getSlope()},
                                                  {"offset", adaptor.getOffset()}})))
    return failure();
  types.push_back(input);
  return success();
}

LogicalResult BatchNormInferenceOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                     Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkChannels<BatchNormInferenceOp>(location, input, 2,
                                                 {{"scale", adaptor.getScale()},
                                                  {"bias", adaptor.getBias()},
                                                  {"mean", adaptor.getMean()},
                                                  {"variance", adaptor.getVariance()}})))
    return failure();
  types.push_back(input);
  return success();
}

LogicalResult BatchNormUpdateRunningOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                         Adaptor adaptor, SmallVectorImpl<Type>& types) {
  if (failed(checkChannels<BatchNormUpdateRunningOp>(location, tensorType(adaptor.getRunningMean()), 1,
                                                     {{"running_variance", adaptor.getRunningVariance()},
                                                      {"mean", adaptor.getMean()},
                                                      {"variance", adaptor.getVariance()}})))
    return failure();
  types.push_back(adaptor.getRunningMean().getType());
  types.push_back(adaptor.getRunningVariance().getType());
  return success();
}

LogicalResult BatchNormUpdateRunningOp::verify() {
  double momentum = getMomentum().convertToDouble();
  if (!(momentum >= 0.0 && momentum <= 1.0))
    return emitOpError("expects momentum in [0, 1], got ") << momentum;
  if (int64_t rows = getRows(); rows < 1) return emitOpError("expects at least 1 row, got ") << rows;
  if (int64_t elements = getRowElements(); elements < 1)
    return emitOpError("expects at least 1 element per row, got ") << elements;
  return success();
}

/// [...] of an input [..., C], with the element type of scale.
static RankedTensorType rowStatistics(RankedTensorType input, Value scale) {
  return RankedTensorType::get(input.getShape().drop_back(), tensorType(scale).getElementType());
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkChannels<LayerNormOp>(location, input, 1,
                                        {{"scale", adaptor.getScale()}, {"bias", adaptor.getBias()}})))
    return failure();
  types.push_back(input);
  types.append(2, rowStatistics(input, adaptor.getScale()));
  return success();
}

LogicalResult LayerNormGradOp::inferReturnTypes(MLIRContext*, std::optional<Location> location,
                                                Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType input = tensorType(adaptor.getInput());
  if (failed(checkResultGrad<LayerNormGradOp>(location, input, tensorType(adaptor.getResultGrad()))) ||
      failed(checkChannels<LayerNormGradOp>(location, input, 1, {{"scale", adaptor.getScale()}})))
    return failure();
  for (Value statistic : {adaptor.getMean(), adaptor.getInvStd()})
    if (!sameShape(tensorType(statistic).getShape(), input.getShape().drop_back()))
      return inferError<LayerNormGradOp>(location, "expects mean and inv_std of shape ",
                                         shapeText(input.getShape().drop_back()), ", got ",
                                         shapeText(tensorType(statistic).getShape()));
  types.push_back(input);
  types.append(2, adaptor.getScale().getType());
  return success();
}

// --- derivatives

/// A norm's statistics have no derivative here: they feed running statistics.
static LogicalResult refuseStatisticsGradient(Operation* op, ValueRange cotangents) {
  for (Value cotangent : cotangents.drop_front())
    if (cotangent)
      return op->emitOpError(
          "has no derivative through its statistics; compute them with tailor.reduce_mean where the "
          "loss depends on them");
  return success();
}

static void takeNeeded(ArrayRef<bool> needed, ValueRange values, SmallVectorImpl<Value>& gradients) {
  for (auto [index, value] : llvm::enumerate(values))
    if (needed[index]) gradients[index] = value;
}

LogicalResult BatchNormTrainOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                         SmallVectorImpl<Value>& gradients) {
  gradients.assign(getNumOperands(), Value());
  if (failed(refuseStatisticsGradient(*this, cotangents))) return failure();
  GradBuilder b(builder, *this);
  auto grad =
      b.create<BatchNormGradOp>(cotangents[0], getInput(), getScale(), getMean(), getInvStd(), getValid());
  takeNeeded(needed, grad.getResults(), gradients);
  return success();
}

bool BatchNormInferenceOp::hasOperandGradient(unsigned operandIndex) {
  return operandIndex < 3;
}

// y = (x - mean) inv_std scale + bias
LogicalResult BatchNormInferenceOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                             SmallVectorImpl<Value>& gradients) {
  gradients.assign(getNumOperands(), Value());
  GradBuilder b(builder, *this);
  RankedTensorType type = getType();
  Type inputElement = type.getElementType(), scaleElement = tensorType(getScale()).getElementType();
  Value invStd = b.create<RsqrtOp>(b.shift(getVariance(), getEpsilon().convertToDouble()));
  Value g = b.cast(cotangents[0], scaleElement);
  if (needed[0])
    gradients[0] =
        b.cast(b.mul(g, b.overChannels(b.mul(getScale(), b.cast(invStd, scaleElement)), type.getShape())),
               inputElement);
  if (needed[1]) {
    Value centred = b.sub(b.cast(getInput(), scaleElement),
                          b.overChannels(b.cast(getMean(), scaleElement), type.getShape()));
    gradients[1] = b.mul(b.sumToChannels(b.mul(g, centred)), b.cast(invStd, scaleElement));
  }
  if (needed[2]) gradients[2] = b.cast(b.sumToChannels(g), tensorType(getBias()).getElementType());
  return success();
}

LogicalResult LayerNormOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  gradients.assign(getNumOperands(), Value());
  if (failed(refuseStatisticsGradient(*this, cotangents))) return failure();
  GradBuilder b(builder, *this);
  auto grad = b.create<LayerNormGradOp>(cotangents[0], getInput(), getScale(), getMean(), getInvStd());
  takeNeeded(needed, grad.getResults(), gradients);
  return success();
}

} // namespace tailor::ir
