#include "runtime/metrics/metric.h"
#include "runtime/metrics/ranking.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "sensitivity_at_specificity(x)",
                    .text = "largest sensitivity at a specificity of at least x",
                    .source = "methods 12"};
  metric.rank = 210;
  metric.two_classes = true;
  metric.on_request = true;
  metric.value = [](const EvaluatedSplit& split, double x) -> std::optional<double> {
    if (split.has_nan) return std::nullopt;
    return sensitivity_at_specificity(split.scores, split.positive, x);
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
