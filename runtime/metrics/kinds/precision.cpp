#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "precision",
                    .text = "tp / (tp + fp); absent if no row is decided positive",
                    .source = "methods 12"};
  metric.rank = 120;
  metric.two_classes = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.precision(split.positive_class);
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
