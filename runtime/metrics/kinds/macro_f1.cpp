#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec spec() {
  MetricSpec metric{.name = "macro_f1",
                    .text = "mean of the F1 of the classes that occur or are decided",
                    .source = "methods 12"};
  metric.rank = 40;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    return split.confusion.macro_f1();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
