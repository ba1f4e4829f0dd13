#pragma once
#include "runtime/metrics/evaluation.h"

#include <string>

namespace tailor::runtime {

/// A metric of val that decides something: which epoch is best, when training stops.
struct Criterion {
  std::string metric; ///< without the split: "balanced_accuracy"; empty: nothing decides
  bool higher = true; ///< is better
  std::string groups; ///< eval.groups, which few, med and many depend on; empty for other metrics

  bool empty() const { return metric.empty(); }
  bool is_better(double value, double than) const { return higher ? value > than : value < than; }
  bool operator==(const Criterion&) const = default;
};

} // namespace tailor::runtime
