// The derivative of the norm over many tensors, which a gradient penalty or a clipped gradient inside a loss needs.
// Updates have none: nothing differentiates through a step.

#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

// n = sqrt(sum (w t)^2): dt = g w^2 t / n, dw = g t^2 w / n, w = 1 where there is none. 0 where n is 0, of the
// subgradients the one that keeps still.
LogicalResult GlobalNormOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                     SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(getNumOperands(), Value());
  Value norm = getResult();
  Value positive = b.compare(norm, Direction::Ne, b.fillLike(norm, 0.0)); // or NaN, which must not be lost
  Value share = b.keep(positive, b.div(cotangents[0], b.where(positive, norm, b.fillLike(norm, 1.0))));
  const unsigned numTensors = getTensors().size();
  for (unsigned i = 0; i < numTensors; ++i) {
    Value tensor = getTensors()[i], weight = getWeights().empty() ? Value() : getWeights()[i];
    RankedTensorType type = tensorType(tensor);
    SmallVector<int64_t> dims = otherDims({}, type.getRank());
    Value factor = b.unreduce(b.cast(share, type.getElementType()), dims, type.getShape());
    if (needed[i])
      gradients[i] =
          b.mul(factor, weight ? b.mul(b.square(b.cast(weight, type.getElementType())), tensor) : tensor);
    if (weight && needed[numTensors + i]) {
      Value gradient = b.mul(factor, b.mul(b.square(tensor), b.cast(weight, type.getElementType())));
      gradients[numTensors + i] = b.cast(gradient, tensorType(weight).getElementType());
    }
  }
  return success();
}

} // namespace tailor::ir
