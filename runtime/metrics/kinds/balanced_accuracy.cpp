#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "balanced_accuracy",
                    .text = "mean of the classes' accuracies (recalls)",
                    .source = "methods 12"};
  metric.rank = 30;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.balanced_accuracy();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
