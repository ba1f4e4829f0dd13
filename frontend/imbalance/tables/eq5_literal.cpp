// 1 / (1 - p_i) as printed, times (1 - 1/K): favours frequent classes, kept for ablations (methods.md 16, C1).
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/elementwise.h"

namespace tailor::imbalance {
namespace {

Array ascent(const ClassTableArgs& args) {
  Array p = class_prior(args.counts);
  double num_classes = static_cast<double>(p.shape()[0]);
  return ((num_classes - 1) / num_classes) / maximum(1.0 - p, 1e-12);
}

const runtime::Registered<AscentTable> ascent_table{
    {.name = "eq5_literal",
     .text = "1 / (1 - p_i) as printed, times (1 - 1/K): favours frequent classes",
     .source = "methods 5.2, C1",
     .make = ascent}};

} // namespace
} // namespace tailor::imbalance
