#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "accuracy", .text = "share of rows decided right", .source = "methods 12"};
  metric.rank = 20;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.accuracy();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
