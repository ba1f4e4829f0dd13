// sqrt(n_max / n_i): half way between inv_max and none.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

namespace tailor::imbalance {
namespace {

Array sqrt_inv(const ClassTableArgs& args) {
  Array n = at_least_one(args.counts);
  return sqrt(max(n) / n);
}

const runtime::Registered<WeightTable> weights{
    {.name = "sqrt_inv", .text = "sqrt(n_max / n_i)", .source = "methods 2.2", .make = sqrt_inv}};

} // namespace
} // namespace tailor::imbalance
