#include "frontend/nn/dropout.h"

#include "frontend/ops/random.h"

namespace tailor::nn {

Dropout::Dropout(double probability) : probability_(probability) {
  if (!(probability >= 0 && probability < 1))
    throw TraceError("dropout", "the probability must be in [0, 1), it is " + std::to_string(probability),
                     {});
}

Array Dropout::operator()(const Operand& x, const Context& context) {
  return dropout(x, context, probability_);
}

} // namespace tailor::nn
