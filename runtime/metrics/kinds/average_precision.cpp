#include "runtime/metrics/metric.h"
#include "runtime/metrics/ranking.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "average_precision",
                    .text = "sum of precision times gain in recall, no interpolation",
                    .source = "methods 12"};
  metric.rank = 110;
  metric.two_classes = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    if (split.has_nan) return std::nullopt;
    return average_precision(split.scores, split.positive);
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
