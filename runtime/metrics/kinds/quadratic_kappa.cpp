#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "quadratic_kappa",
                    .text = "kappa with weights (i-j)^2 / (K-1)^2, for ordered classes",
                    .source = "methods 12"};
  metric.rank = 190;
  metric.on_request = true;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.quadratic_kappa();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
