#include "frontend/imbalance/class_weights.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"
#include "runtime/base/status.h"

namespace tailor::imbalance {

namespace {

/// n_i, an empty class counting as one sample.
Array at_least_one(const Operand& counts) {
  detail::require_rank("class counts", "the operand", detail::value_of(counts), 1, counts.location());
  return maximum(counts, 1.0);
}

double num_classes(const Array& counts) {
  return static_cast<double>(counts.shape()[0]);
}

} // namespace

WeightTable weight_table_from_name(std::string_view name, const Location& location) {
  if (name == "inv_max") return WeightTable::inv_max;
  if (name == "inv_mean") return WeightTable::inv_mean;
  if (name == "effective") return WeightTable::effective;
  if (name == "sqrt_inv") return WeightTable::sqrt_inv;
  throw TraceError("class_weights", "'" + std::string(name) + "' is not a weight table", location,
                   "one of inv_max, inv_mean, effective, sqrt_inv");
}

Array class_weights(const Operand& counts, WeightTable table, const Operand& beta) {
  LocationScope scope(counts.location());
  Array n = at_least_one(counts);
  switch (table) {
  case WeightTable::inv_max:
    return max(n) / n;
  case WeightTable::sqrt_inv:
    return sqrt(max(n) / n);
  case WeightTable::inv_mean: {
    Array inverse = reciprocal(n);
    return num_classes(n) * inverse / sum(inverse);
  }
  case WeightTable::effective: {
    if (beta.is_literal() && !(static_cast<float>(beta.literal()) < 1))
      throw TraceError("class_weights", runtime::concat("beta ", beta.literal(), " is not below 1 in f32"),
                       beta.location(), "0.9999999 is the largest that works");
    // 1 - beta^n = -expm1(n log beta); the factor 1 - beta cancels in the scaling to sum K.
    Array inverse = reciprocal(-expm1(n * log(beta)));
    return num_classes(n) * inverse / sum(inverse);
  }
  }
  throw TraceError("class_weights", "unknown table", counts.location());
}

Array class_prior(const Operand& counts) {
  LocationScope scope(counts.location());
  Array n = detail::value_of(counts);
  return n / maximum(sum(n), 1.0);
}

Array log_counts(const Operand& counts) {
  LocationScope scope(counts.location());
  return log(at_least_one(counts));
}

Array log_prior(const Operand& counts, const Operand& tau) {
  LocationScope scope(counts.location());
  Array n = at_least_one(counts);
  return tau * log(n / sum(n));
}

Array ldam_margins(const Operand& counts, const Operand& max_margin) {
  LocationScope scope(counts.location());
  Array margin = rsqrt(sqrt(at_least_one(counts)));
  return max_margin * margin / max(margin);
}

} // namespace tailor::imbalance
