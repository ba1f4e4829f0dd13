// 1 / (K p_i): inverse shares; 1 for every class of balanced data.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

namespace tailor::imbalance {
namespace {

Array ascent(const ClassTableArgs& args) {
  Array n = at_least_one(args.counts);
  return sum(n) / (static_cast<double>(n.shape()[0]) * n);
}

Array smoothing(const ClassTableArgs& args) {
  Array p = class_prior(args.counts);
  // Below one sample's share nothing changes after clipping, and nothing divides by zero.
  return args.eps / (static_cast<double>(p.shape()[0]) * maximum(p, 1e-12));
}

const runtime::Registered<AscentTable> ascent_table{
    {.name = "inv_p", .text = "1 / (K p_i)", .source = "methods 5.2", .make = ascent}};
const runtime::Registered<SmoothingTable> smoothing_table{
    {.name = "inv_p", .text = "eps / (K p_i)", .source = "methods 2.5", .make = smoothing}};

} // namespace
} // namespace tailor::imbalance
