// K (1 / n_i) / sum_j (1 / n_j): inverse counts that sum to K.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

namespace tailor::imbalance {
namespace {

Array inv_mean(const ClassTableArgs& args) {
  Array n = at_least_one(args.counts);
  Array inverse = reciprocal(n);
  return static_cast<double>(n.shape()[0]) * inverse / sum(inverse);
}

const runtime::Registered<WeightTable> weights{
    {.name = "inv_mean", .text = "K (1 / n_i) / sum_j (1 / n_j)", .source = "methods 2.2", .make = inv_mean}};

} // namespace
} // namespace tailor::imbalance
