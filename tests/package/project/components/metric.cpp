// How many rows were decided wrong.
#include "runtime/metrics/metric.h"

namespace {

using namespace tailor::runtime;

MetricSpec mistakes() {
  MetricSpec metric{.name = "mistakes", .text = "rows decided wrong"};
  metric.higher_is_better = false;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    std::int64_t wrong = split.confusion.num_rows();
    if (wrong == 0) return std::nullopt;
    for (std::int32_t k = 0; k < split.confusion.num_classes(); ++k)
      wrong -= split.confusion.correct_rows(k);
    return static_cast<double>(wrong);
  };
  return metric;
}

const Registered<MetricSpec> registered{mistakes()};

} // namespace
