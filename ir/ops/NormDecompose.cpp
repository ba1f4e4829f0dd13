// Norms as the ops they stand for, where their gradient is differentiated again.

#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

/// y = (x - mean) inv_std scale + bias, mean and variance of the valid rows. Padding is 0 before anything is added up
/// and 0 again in the result, so that it has no part in a derivative of any order.
SmallVector<Value> BatchNormTrainOp::decompose(OpBuilder& builder) {
  GradBuilder b(builder, *this);
  RankedTensorType type = tensorType(getInput());
  ArrayRef<int64_t> shape = type.getShape();
  const int64_t rank = type.getRank(), rows = shape.front();
  Type element = tensorType(getScale()).getElementType();
  auto wide = [&](Value vector) { return b.overChannels(vector, shape); };

  Value mask, count;
  int64_t rowElements = 1;
  for (int64_t extent : shape.drop_front().drop_back())
    rowElements *= extent;
  auto channelType = RankedTensorType::get({shape.back()}, element);
  if (getValid()) {
    Value row = b.create<RowMaskOp>(RankedTensorType::get({rows}, builder.getI1Type()), getValid());
    mask = b.unreduce(row, otherDims({0}, rank), shape);
    Value some = b.create<MaxOp>(getValid(), b.fillLike(getValid(), 1.0));
    Value elements = b.scale(b.cast(some, element), static_cast<double>(rowElements));
    count = b.unreduce(elements, {0}, channelType.getShape());
  } else {
    count = b.fill(channelType, static_cast<double>(rows * rowElements));
  }
  auto kept = [&](Value value) { return mask ? b.keep(mask, value) : value; };

  Value input = kept(b.cast(getInput(), element));
  Value mean = b.div(b.sumToChannels(input), count);
  Value centred = kept(b.sub(input, wide(mean)));
  Value variance = b.div(b.sumToChannels(b.square(centred)), count);
  Value invStd = b.create<RsqrtOp>(b.shift(variance, getEpsilon().convertToDouble()));
  Value scaled = b.mul(centred, wide(b.mul(invStd, getScale())));
  Value result = kept(b.add(scaled, wide(b.cast(getBias(), element))));
  return {b.cast(result, type.getElementType()), mean, invStd, variance};
}

SmallVector<Value> LayerNormOp::decompose(OpBuilder& builder) {
  GradBuilder b(builder, *this);
  RankedTensorType type = tensorType(getInput());
  ArrayRef<int64_t> shape = type.getShape();
  const int64_t last = type.getRank() - 1;
  Type element = tensorType(getScale()).getElementType();
  Value input = b.cast(getInput(), element);
  Value mean = b.create<ReduceMeanOp>(input, ArrayRef<int64_t>{last});
  Value centred = b.sub(input, b.unreduce(mean, {last}, shape));
  Value variance = b.create<ReduceMeanOp>(b.square(centred), ArrayRef<int64_t>{last});
  Value invStd = b.create<RsqrtOp>(b.shift(variance, getEpsilon().convertToDouble()));
  Value normalised = b.mul(centred, b.unreduce(invStd, {last}, shape));
  Value result = b.add(b.mul(normalised, b.overChannels(getScale(), shape)),
                       b.overChannels(b.cast(getBias(), element), shape));
  return {b.cast(result, type.getElementType()), mean, invStd};
}

} // namespace tailor::ir
