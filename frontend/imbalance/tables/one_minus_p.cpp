// (1 - p_i) / (1 - 1/K): more for rare classes, 1 for every class of balanced data.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"

namespace tailor::imbalance {
namespace {

Array ascent(const ClassTableArgs& args) {
  Array p = class_prior(args.counts);
  double num_classes = static_cast<double>(p.shape()[0]);
  return (1.0 - p) * (num_classes / (num_classes - 1));
}

const runtime::Registered<AscentTable> ascent_table{
    {.name = "one_minus_p", .text = "(1 - p_i) / (1 - 1/K)", .source = "methods 5.2", .make = ascent}};
const runtime::Registered<SmoothingTable> smoothing_table{
    {.name = "one_minus_p",
     .text = "eps (1 - p_i) / (1 - 1/K): more for rare classes, eps when balanced",
     .source = "methods 2.5, C2",
     .make = [](const ClassTableArgs& args) { return args.eps * ascent(args); }}};

} // namespace
} // namespace tailor::imbalance
