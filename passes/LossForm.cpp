#include "passes/LossForm.h"

using namespace mlir;

namespace tailor::passes {

LossForm::LossForm(ir::SoftmaxCrossEntropyOp loss)
    : logits(loss.getLogits()), labels(loss.getLabels()), mixLabels(loss.getMixLabels()),
      mixLambda(loss.getMixLambda()), targets(loss.getTargets()), classWeights(loss.getClassWeights()),
      smoothing(loss.getSmoothing()), margin(loss.getMargin()), bias(loss.getBias()), valid(loss.getValid()),
      focalGamma(loss.getFocalGammaAttr()), focalOfWeighted(loss.getFocalOfWeighted()),
      scale(loss.getScale()), reduction(loss.getReduction()),
      elementType(cast<RankedTensorType>(loss.getLoss().getType()).getElementType()) {}

ir::SoftmaxCrossEntropyOp LossForm::create(OpBuilder& builder, Location loc) const {
  SmallVector<int64_t> shape;
  if (reduction == ir::Reduction::None)
    shape.push_back(cast<RankedTensorType>(logits.getType()).getDimSize(0));
  UnitAttr ofWeighted = focalOfWeighted ? builder.getUnitAttr() : UnitAttr();
  return ir::SoftmaxCrossEntropyOp::create(builder, loc, RankedTensorType::get(shape, elementType), logits,
                                           labels, mixLabels, mixLambda, targets, classWeights, smoothing,
                                           margin, bias, valid, focalGamma, ofWeighted,
                                           builder.getF64FloatAttr(scale.convertToDouble()),
                                           ir::ReductionAttr::get(builder.getContext(), reduction));
}

ir::SoftmaxCrossEntropyOp LossForm::createLike(OpBuilder& builder, Location loc,
                                               ir::SoftmaxCrossEntropyOp original) const {
  ir::SoftmaxCrossEntropyOp loss = create(builder, loc);
  loss->setDiscardableAttrs(original->getDiscardableAttrDictionary());
  return loss;
}

} // namespace tailor::passes
