// The Brier score as a loss.
#include <tailor/tailor.h>

namespace {

using namespace tailor;

Array squared(const LossRequest& request) {
  const Array truth = one_hot(request.batch.label, request.logits.shape()[1]);
  return sum(square(softmax(request.logits, -1) - truth), {1});
}

const Registered<LossSpec> registered{
    {.name = "squared", .text = "|softmax(z) - onehot(y)|^2", .source = "Brier 1950", .make = squared}};

} // namespace
