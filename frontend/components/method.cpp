#include "frontend/components/method.h"

namespace tailor {

std::string_view text_of(Part part) {
  switch (part) {
  case Part::smoothing:
    return "the label smoothing";
  case Part::bias:
    return "the bias of the logits";
  case Part::margin:
    return "the margin of the true class";
  case Part::focal:
    return "the focal term";
  case Part::class_weights:
    return "the class weights of the loss";
  case Part::row_weights:
    return "the row weights of the loss";
  case Part::mixing:
    return "the mixing of rows";
  case Part::gradients:
    return "the gradients of a step";
  case Part::average:
    return "the average of the weights";
  case Part::logits:
    return "what the logits become";
  case Part::nothing:
  case Part::other:
    break;
  }
  return "";
}

Gradients Method::gradients(Step& step, const LossOfWeights& loss, const Array& class_weights) {
  LossAndGradients result = value_and_grad([&] { return loss(class_weights); });
  step.report("loss", result.loss);
  return result.gradients;
}

} // namespace tailor
