#include "runtime/metrics/metric.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {
namespace {

/// ln(1 + e^z) without overflow.
double softplus(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

class Loss final : public RowMetric {
public:
  void add(const EvaluatedRow& row) override {
    const double z = row.logits[1];
    // Softplus keeps the small side exact.
    sum_ += row.one_logit ? softplus(row.label == 1 ? -z : z)
                          : row.most + std::log(row.sum) - row.logits[static_cast<std::size_t>(row.label)];
  }
  std::optional<double> value(const EvaluatedSplit& split) const override { return split.mean(sum_); }

private:
  double sum_ = 0;
};

MetricSpec spec() {
  MetricSpec metric{.name = "loss",
                    .text = "mean cross-entropy, without weights, smoothing or bias",
                    .source = "methods 12"};
  metric.rank = 10;
  metric.higher_is_better = false;
  metric.rows = [](std::int32_t, double) -> std::unique_ptr<RowMetric> { return std::make_unique<Loss>(); };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
