// eps for every class: plain label smoothing.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/shaping.h"

namespace tailor::imbalance {
namespace {

Array smoothing(const ClassTableArgs& args) {
  return broadcast_to(detail::value_of(args.eps), class_prior(args.counts).shape());
}

const runtime::Registered<SmoothingTable> smoothing_table{
    {.name = "uniform", .text = "eps", .source = "methods 2.5", .make = smoothing}};

} // namespace
} // namespace tailor::imbalance
