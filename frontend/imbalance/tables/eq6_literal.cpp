// eps / (1 - p_i) as printed: grows with the class's share (methods.md 16, C2).
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"

namespace tailor::imbalance {
namespace {

Array smoothing(const ClassTableArgs& args) {
  return args.eps / maximum(1.0 - class_prior(args.counts), 1e-12); // clipped afterwards: p may be 1
}

const runtime::Registered<SmoothingTable> smoothing_table{
    {.name = "eq6_literal",
     .text = "eps / (1 - p_i) as printed: grows with the class's share",
     .source = "methods 2.5, C2",
     .make = smoothing}};

} // namespace
} // namespace tailor::imbalance
