#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

// --- convolution

namespace {
/// The attributes of a convolution.
struct ConvShape {
  ArrayRef<int64_t> strides, padding, dilation;
  int64_t groups;
};
} // namespace

template <typename OpOrAdaptor> static ConvShape convShape(OpOrAdaptor op) {
  return {op.getStrides(), op.getPadding(), op.getDilation(), static_cast<int64_t>(op.getGroups())};
}

/// A list has `size` entries of at least `least`.
template <typename ConcreteOp>
static LogicalResult checkList(std::optional<Location> location, StringRef name, ArrayRef<int64_t> list,
                               size_t size, int64_t least) {
  if (list.size() != size)
    return inferError<ConcreteOp>(location, "expects ", size, " entries in ", name, ", got ", list.size());
  for (int64_t entry : list)
    if (entry < least)
      return inferError<ConcreteOp>(location, "expects entries of at least ", least, " in ", name, ", got ",
                                    entry);
  return success();
}

/// The result of conv2d(input, weight); errors are reported for ConcreteOp.
template <typename ConcreteOp>
static FailureOr<RankedTensorType> convResult(std::optional<Location> location, RankedTensorType input,
                                              RankedTensorType weight, const ConvShape& conv) {
  if (failed(checkList<ConcreteOp>(location, "strides", conv.strides, 2, 1)) ||
      failed(checkList<ConcreteOp>(location, "padding", conv.padding, 4, 0)) ||
      failed(checkList<ConcreteOp>(location, "dilation", conv.dilation, 2, 1)))
    return failure();
  if (input.getElementType() != weight.getElementType())
    return inferError<ConcreteOp>(location, "expects one element type, got ", input.getElementType(), " and ",
                                  weight.getElementType());
  int64_t channels = input.getDimSize(3), outputs = weight.getDimSize(0);
  if (conv.groups < 1 || channels % conv.groups != 0 || outputs % conv.groups != 0)
    return inferError<ConcreteOp>(location,
                                  "expects groups to divide input and output channels: ", conv.groups,
                                  " groups, ", channels, " input channels, ", outputs, " output channels");
  if (weight.getDimSize(1) != channels / conv.groups)
    return inferError<ConcreteOp>(location, "expects a weight over ", channels / conv.groups, " channels (",
                                  channels, " input channels in ", conv.groups,
                                  " groups), got a weight over ", weight.getDimSize(1));
  SmallVector<int64_t> shape{input.getDimSize(0), 0, 0, outputs};
  for (int axis = 0; axis < 2; ++axis) {
    StringRef side = axis == 0 ? "height" : "width";
    int64_t size = input.getDimSize(1 + axis), taps = weight.getDimSize(2 + axis);
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(taps) || taps < 1)
      return inferError<ConcreteOp>(location, "expects a static ", side,
                                    " of image and kernel, and a kernel of at least 1");
    CheckedSize padded = CheckedSize(size) + conv.padding[2 * axis] + conv.padding[2 * axis + 1];
    CheckedSize window = CheckedSize(conv.dilation[axis]) * (taps - 1) + 1;
    if (!padded.value || !window.value)
      return inferError<ConcreteOp>(location, side, " of the ",
                                    padded.value ? "dilated kernel" : "padded image",
                                    " is more than 64 bits count");
    if (*window.value > *padded.value)
      return inferError<ConcreteOp>(location, side, " of the dilated kernel is ", *window.value,
                                    " but the padded image has ", *padded.value);
    shape[1 + axis] = (*padded.value - *window.value) / conv.strides[axis] + 1;
  }
  return input.clone(shape);
}

LogicalResult Conv2dOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type>& types) {
  FailureOr<RankedTensorType> result = convResult<Conv2dOp>(
      location, tensorType(adaptor.getInput()), tensorType(adaptor.getWeight()), convShape(adaptor));
  if (failed(result)) return failure();
  types.push_back(*result);
  return success();
}

bool Conv2dOp::isCompatibleReturnTypes(TypeRange inferred, TypeRange actual) {
  return isSameOrWider(inferred, actual);
}

/// The output gradient has the shape conv2d gives.
template <typename ConcreteOp>
static LogicalResult verifyConvGrad(ConcreteOp op, RankedTensorType input, RankedTensorType weight) {
  FailureOr<RankedTensorType> expected = convResult<ConcreteOp>(op.getLoc(), input, weight, convShape(op));
  if (failed(expected)) return failure();
  ArrayRef<int64_t> given = tensorType(op.getOutputGrad()).getShape();
  if (!sameShape(expected->getShape(), given))
    return op.emitOpError("expects an output gradient of shape ")
           << shapeText(expected->getShape()) << ", got " << shapeText(given);
  return success();
}

LogicalResult Conv2dDataGradOp::verify() {
  return verifyConvGrad(*this, getType(), tensorType(getWeight()));
}

LogicalResult Conv2dWeightGradOp::verify() {
  return verifyConvGrad(*this, tensorType(getInput()), getType());
}

// Convolution is linear in input and in weight, so the three ops are each other's derivatives.

LogicalResult Conv2dOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                 SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  Value g = b.cast(cotangents[0], tensorType(getInput()).getElementType());
  gradients.assign(2, Value());
  if (needed[0])
    gradients[0] = b.create<Conv2dDataGradOp>(getInput().getType(), g, getWeight(), getStrides(),
                                              getPadding(), getDilation(), getGroups());
  if (needed[1])
    gradients[1] = b.create<Conv2dWeightGradOp>(getWeight().getType(), getInput(), g, getStrides(),
                                                getPadding(), getDilation(), getGroups());
  return success();
}

LogicalResult Conv2dDataGradOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                         SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  if (needed[0])
    gradients[0] = b.create<Conv2dOp>(getOutputGrad().getType(), cotangents[0], getWeight(), getStrides(),
                                      getPadding(), getDilation(), getGroups());
  if (needed[1])
    gradients[1] = b.create<Conv2dWeightGradOp>(getWeight().getType(), cotangents[0], getOutputGrad(),
                                                getStrides(), getPadding(), getDilation(), getGroups());
  return success();
}

LogicalResult Conv2dWeightGradOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                           SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  if (needed[0])
    gradients[0] = b.create<Conv2dDataGradOp>(getInput().getType(), getOutputGrad(), cotangents[0],
                                              getStrides(), getPadding(), getDilation(), getGroups());
  if (needed[1])
    gradients[1] = b.create<Conv2dOp>(getOutputGrad().getType(), getInput(), cotangents[0], getStrides(),
                                      getPadding(), getDilation(), getGroups());
  return success();
}

// --- pooling

/// The result of pooling `input`.
template <typename ConcreteOp, typename OpOrAdaptor>
static FailureOr<RankedTensorType> poolResult(std::optional<Location> location, RankedTensorType input,
                                              OpOrAdaptor op) {
  ArrayRef<int64_t> window = op.getWindow(), strides = op.getStrides(), padding = op.getPadding();
  if (failed(checkList<ConcreteOp>(location, "window", window, 2, 1)) ||
      failed(checkList<ConcreteOp>(location, "strides", strides, 2, 1)) ||
      failed(checkList<ConcreteOp>(location, "padding", padding, 4, 0)))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  for (int axis = 0; axis < 2; ++axis) {
    int64_t size = input.getDimSize(1 + axis), before = padding[2 * axis], after = padding[2 * axis + 1];
    if (before >= window[axis] || after >= window[axis])
      return inferError<ConcreteOp>(location, "expects padding smaller than the window, got ",
                                    std::max(before, after), " and ", window[axis]);
    StringRef side = axis == 0 ? "height" : "width";
    if (ShapedType::isDynamic(size)) return inferError<ConcreteOp>(location, "expects a static ", side);
    CheckedSize padded = CheckedSize(size) + before + after;
    if (!padded.value)
      return inferError<ConcreteOp>(location, side, " of the padded image is more than 64 bits count");
    int64_t span = *padded.value - window[axis];
    if (span < 0)
      return inferError<ConcreteOp>(location, side, " of the window is ", window[axis],
                                    " but the padded image has ", *padded.value);
    int64_t steps = span / strides[axis];
    // A last, partial window counts unless it starts beyond the image and would see padding only.
    if (op.getCeilMode() && span % strides[axis] != 0) {
      CheckedSize start = CheckedSize(steps + 1) * strides[axis];
      if (start.value && *start.value < size + before) ++steps;
    }
    shape[1 + axis] = steps + 1;
  }
  return input.clone(shape);
}

template <typename ConcreteOp>
static LogicalResult inferPool(std::optional<Location> location, typename ConcreteOp::Adaptor adaptor,
                               SmallVectorImpl<Type>& types) {
  FailureOr<RankedTensorType> result =
      poolResult<ConcreteOp>(location, tensorType(adaptor.getInput()), adaptor);
  if (failed(result)) return failure();
  types.push_back(*result);
  return success();
}

LogicalResult MaxPool2dOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type>& types) {
  return inferPool<MaxPool2dOp>(location, adaptor, types);
}

LogicalResult AvgPool2dOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type>& types) {
  return inferPool<AvgPool2dOp>(location, adaptor, types);
}

template <typename ConcreteOp> static LogicalResult verifyPoolGrad(ConcreteOp op, RankedTensorType input) {
  FailureOr<RankedTensorType> expected = poolResult<ConcreteOp>(op.getLoc(), input, op);
  if (failed(expected)) return failure();
  if (expected->getShape() != tensorType(op.getOutputGrad()).getShape())
    return op.emitOpError("expects an output gradient of shape ")
           << shapeText(expected->getShape()) << ", got "
           << shapeText(tensorType(op.getOutputGrad()).getShape());
  if (input != op.getType())
    return op.emitOpError("expects a result of the input's type ") << input << ", got " << op.getType();
  return success();
}

LogicalResult MaxPool2dGradOp::verify() {
  return verifyPoolGrad(*this, tensorType(getInput()));
}

LogicalResult AvgPool2dGradOp::verify() {
  return verifyPoolGrad(*this, getType());
}

LogicalResult MaxPool2dOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0])
    gradients[0] = b.create<MaxPool2dGradOp>(getInput().getType(), getInput(), cotangents[0], getWindow(),
                                             getStrides(), getPadding(), getCeilMode());
  return success();
}

LogicalResult AvgPool2dOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0])
    gradients[0] = b.create<AvgPool2dGradOp>(getInput().getType(), cotangents[0], getWindow(), getStrides(),
                                             getPadding(), getCeilMode(), getCountIncludePad());
  return success();
}

LogicalResult AvgPool2dGradOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                        SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0])
    gradients[0] = b.create<AvgPool2dOp>(getOutputGrad().getType(), cotangents[0], getWindow(), getStrides(),
                                         getPadding(), getCeilMode(), getCountIncludePad());
  return success();
}

} // namespace tailor::ir
