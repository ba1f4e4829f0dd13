// n_max / n_i: the authors' code for re-weighting and the ascent.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

namespace tailor::imbalance {
namespace {

Array inv_max(const ClassTableArgs& args) {
  Array n = at_least_one(args.counts);
  return max(n) / n;
}

const runtime::Registered<WeightTable> weights{
    {.name = "inv_max", .text = "n_max / n_i", .source = "methods 2.2", .make = inv_max}};
const runtime::Registered<AscentTable> ascent{
    {.name = "inv_max", .text = "n_max / n_i", .source = "methods 5.2", .make = inv_max}};

} // namespace
} // namespace tailor::imbalance
