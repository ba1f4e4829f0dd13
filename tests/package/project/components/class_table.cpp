// Class weights that grow with the logarithm of the imbalance.
#include <tailor/tailor.h>

namespace {

using namespace tailor;

Array log_ratio(const ClassTableArgs& args) {
  const Array counts = maximum(args.counts, 1.0); // a class without rows counts as one
  return 1.0 + log(max(counts) / counts);
}

const Registered<WeightTable> registered{
    {.name = "log_ratio", .text = "1 + log(n_max / n_i)", .make = log_ratio}};

} // namespace
