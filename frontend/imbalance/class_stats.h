#pragma once

#include "frontend/graph/array.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// What is known about the classes when training starts: symbolic [K] arrays over the fitted state
/// `class_counts`. Tables made of nothing else are computed once, in the program's fit entry.
class ClassStats {
public:
  ClassStats(const Array& counts, std::vector<std::string> names)
      : counts_(counts), names_(std::move(names)) {}

  std::int64_t num_classes() const { return counts_.shape()[0]; }
  /// Of the classes, in their order.
  const std::vector<std::string>& names() const { return names_; }
  /// n_i: training samples of class i.
  const Array& counts() const { return counts_; }
  /// p_i = n_i / sum n.
  Array prior(const std::source_location& where = std::source_location::current()) const;
  /// The weight tables of frontend/imbalance/class_tables.h.
  Array inv_max(const std::source_location& where = std::source_location::current()) const;
  Array inv_mean(const std::source_location& where = std::source_location::current()) const;
  Array effective(double beta = 0.9999,
                  const std::source_location& where = std::source_location::current()) const;
  Array sqrt_inv(const std::source_location& where = std::source_location::current()) const;

private:
  Array counts_;
  std::vector<std::string> names_;
};

} // namespace tailor
