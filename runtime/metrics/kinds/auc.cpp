#include "runtime/metrics/metric.h"
#include "runtime/metrics/ranking.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "auc",
                    .text = "area under the ROC curve: P(score of a positive > of a negative), ties half",
                    .source = "methods 12"};
  metric.rank = 100;
  metric.two_classes = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    if (split.has_nan) return std::nullopt;
    return area_under_roc(split.scores, split.positive);
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
