#include "frontend/imbalance/class_stats.h"

#include "frontend/imbalance/class_tables.h"

namespace tailor {

Array ClassStats::prior(const std::source_location& where) const {
  return imbalance::class_prior({counts_, where});
}

Array ClassStats::inv_max(const std::source_location& where) const {
  return imbalance::class_weights({counts_, where}, "inv_max");
}

Array ClassStats::inv_mean(const std::source_location& where) const {
  return imbalance::class_weights({counts_, where}, "inv_mean");
}

Array ClassStats::effective(double beta, const std::source_location& where) const {
  return imbalance::class_weights({counts_, where}, "effective", {beta, where});
}

Array ClassStats::sqrt_inv(const std::source_location& where) const {
  return imbalance::class_weights({counts_, where}, "sqrt_inv");
}

} // namespace tailor
