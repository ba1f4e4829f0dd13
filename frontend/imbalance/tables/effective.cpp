// Inverse effective number of samples (1 - beta) / (1 - beta^n_i), scaled to sum K (Cui et al. 2019).
#include "frontend/imbalance/class_tables.h"

#include "frontend/graph/error.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"
#include "runtime/base/status.h"

namespace tailor::imbalance {
namespace {

Array effective(const ClassTableArgs& args) {
  if (args.beta.is_literal() && !(static_cast<float>(args.beta.literal()) < 1))
    throw TraceError("class_weights", runtime::concat("beta ", args.beta.literal(), " is not below 1 in f32"),
                     args.beta.location(), "0.9999999 is the largest that works");
  Array n = at_least_one(args.counts);
  // 1 - beta^n = -expm1(n log beta); the factor 1 - beta cancels in the scaling to sum K.
  Array inverse = reciprocal(-expm1(n * log(args.beta)));
  return static_cast<double>(n.shape()[0]) * inverse / sum(inverse);
}

constexpr const char* kText = "(1 - beta) / (1 - beta^n_i), scaled to sum K";
const runtime::Registered<WeightTable> weights{
    {.name = "effective", .text = kText, .source = "methods 2.2", .takes_beta = true, .make = effective}};
const runtime::Registered<AscentTable> ascent{
    {.name = "effective", .text = kText, .source = "methods 2.2", .takes_beta = true, .make = effective}};

} // namespace
} // namespace tailor::imbalance
