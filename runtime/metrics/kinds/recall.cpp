#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "recall", .text = "tp / (tp + fn)", .source = "methods 12"};
  metric.rank = 130;
  metric.two_classes = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.class_accuracy(split.positive_class);
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
