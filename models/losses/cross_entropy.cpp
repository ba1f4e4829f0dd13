// The class-aware cross-entropy of frontend/losses: takes whatever the methods make of it. methods.md 2.
#include "frontend/components/loss.h"

namespace tailor::models {
namespace {

Array cross_entropy(const LossRequest& request) {
  const Array& labels = request.batch.label;
  return request.logits.rank() == 1 ? losses::sigmoid_cross_entropy(request.logits, labels, request.terms)
                                    : losses::softmax_cross_entropy(request.logits, labels, request.terms);
}

const Registered<LossSpec> registered{
    {.name = "cross_entropy",
     .text = "-log softmax(z)[y], or its one-logit form; takes every method's part",
     .source = "methods 2",
     .takes_one_logit = true,
     .make = cross_entropy,
     .takes = {Part::smoothing, Part::bias, Part::margin, Part::focal, Part::class_weights, Part::row_weights,
               Part::mixing},
     .reductions = {Reduction::batch_mean, Reduction::weighted_mean}}};

} // namespace
} // namespace tailor::models
