#include "frontend/imbalance/class_tables.h"

#include "frontend/graph/error.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"
#include "runtime/base/wording.h"
#include "runtime/options/words.h"

namespace tailor::imbalance {

namespace {

template <class Spec> Array table_named(std::string_view name, const ClassTableArgs& args) {
  LocationScope scope(args.counts.location());
  detail::require_rank("class counts", "the operand", detail::value_of(args.counts), 1,
                       args.counts.location());
  if (const Spec* spec = runtime::Registry<Spec>::find(name)) return spec->make(args);
  throw TraceError("class table", "there is no " + std::string(Spec::kKind) + " '" + std::string(name) + "'",
                   args.counts.location(),
                   "one of " + runtime::listed(runtime::component_names(Spec::kKind)));
}

} // namespace

Array class_weights(const Operand& counts, std::string_view table, const Operand& beta) {
  return table_named<WeightTable>(table, {.counts = counts, .beta = beta});
}

Array ascent_table(const Operand& counts, std::string_view table, const Operand& beta) {
  return table_named<AscentTable>(table, {.counts = counts, .beta = beta});
}

Array class_smoothing(const Operand& counts, const Operand& eps, std::string_view profile,
                      const Operand& eps_max, const Operand& eps_tail) {
  LocationScope scope(counts.location());
  Array table = table_named<SmoothingTable>(profile, {.counts = counts, .eps = eps, .eps_tail = eps_tail});
  return maximum(minimum(table, eps_max), 0.0);
}

Array at_least_one(const Operand& counts) {
  return maximum(counts, 1.0);
}

Array class_prior(const Operand& counts) {
  LocationScope scope(counts.location());
  Array n = detail::value_of(counts);
  return n / maximum(sum(n), 1.0);
}

Array log_counts(const Operand& counts) {
  LocationScope scope(counts.location());
  detail::require_rank("class counts", "the operand", detail::value_of(counts), 1, counts.location());
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
