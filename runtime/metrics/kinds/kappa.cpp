#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "kappa",
                    .text = "Cohen's kappa: agreement beyond that of the two histograms",
                    .source = "methods 12"};
  metric.rank = 180;
  metric.on_request = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.kappa();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
