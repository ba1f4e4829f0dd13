#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

class Brier final : public RowMetric {
public:
  void add(const EvaluatedRow& row) override {
    double brier = 0;
    for (std::size_t k = 0; k < row.logits.size(); ++k) {
      const double off = row.probability(k) - (k == static_cast<std::size_t>(row.label) ? 1.0 : 0.0);
      brier += off * off;
    }
    sum_ += row.logits.size() == 2 ? brier / 2 : brier; // the usual two-class form: (p - y)^2
  }
  std::optional<double> value(const EvaluatedSplit& split) const override { return split.mean(sum_); }

private:
  double sum_ = 0;
};

MetricSpec spec() {
  MetricSpec metric{
      .name = "brier",
      .text = "mean squared error of the probabilities; two classes: (p - y)^2, else summed over the classes",
      .source = "methods 12"};
  metric.rank = 160;
  metric.higher_is_better = false;
  metric.rows = [](std::int32_t, double) -> std::unique_ptr<RowMetric> { return std::make_unique<Brier>(); };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
