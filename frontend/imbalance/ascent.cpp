#include "frontend/imbalance/ascent.h"

#include "frontend/imbalance/class_weights.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

namespace tailor::imbalance {

AscentTable ascent_table_from_name(std::string_view name, const Location& location) {
  if (name == "inv_max") return AscentTable::inv_max;
  if (name == "inv_p") return AscentTable::inv_p;
  if (name == "one_minus_p") return AscentTable::one_minus_p;
  if (name == "eq5_literal") return AscentTable::eq5_literal;
  if (name == "effective") return AscentTable::effective;
  throw TraceError("sam-a", "'" + std::string(name) + "' is not an ascent table", location,
                   "one of inv_max, inv_p, one_minus_p, eq5_literal, effective");
}

Array ascent_table(const Operand& counts, AscentTable table, const Operand& beta) {
  LocationScope scope(counts.location());
  switch (table) {
  case AscentTable::inv_max:
    return class_weights(counts, WeightTable::inv_max);
  case AscentTable::effective:
    return class_weights(counts, WeightTable::effective, beta);
  case AscentTable::inv_p: {
    Array n = maximum(counts, 1.0);
    return sum(n) / (static_cast<double>(n.shape()[0]) * n);
  }
  case AscentTable::one_minus_p: {
    Array p = class_prior(counts);
    double num_classes = static_cast<double>(p.shape()[0]);
    return (1.0 - p) * (num_classes / (num_classes - 1));
  }
  case AscentTable::eq5_literal: {
    Array p = class_prior(counts);
    double num_classes = static_cast<double>(p.shape()[0]);
    return ((num_classes - 1) / num_classes) / maximum(1.0 - p, 1e-12);
  }
  }
  throw TraceError("sam-a", "unknown table", counts.location());
}

} // namespace tailor::imbalance
