#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "mcc", .text = "Matthews correlation", .source = "methods 12"};
  metric.rank = 150;
  metric.two_classes = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.mcc();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
