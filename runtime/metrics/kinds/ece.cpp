#include "runtime/metrics/metric.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tailor::runtime {
namespace {

constexpr std::size_t kNumBins = 15;

/// Bin of a row = min(14, floor(15 confidence)); sum_b |correct_b - sum of confidences_b| / N.
class CalibrationError final : public RowMetric {
public:
  void add(const EvaluatedRow& row) override {
    const double confidence = row.confidence();
    if (std::isnan(confidence)) return;
    Bin& bin =
        bins_[std::min(kNumBins - 1, static_cast<std::size_t>(confidence * static_cast<double>(kNumBins)))];
    bin.correct += row.decision == row.label;
    bin.confidence += confidence;
  }
  std::optional<double> value(const EvaluatedSplit& split) const override {
    if (split.has_nan) return std::nullopt;
    double sum = 0;
    for (const Bin& bin : bins_)
      sum += std::abs(static_cast<double>(bin.correct) - bin.confidence); // n_b |acc_b - conf_b|
    return split.mean(sum);
  }

private:
  struct Bin {
    std::int64_t correct = 0;
    double confidence = 0;
  };
  std::array<Bin, kNumBins> bins_{};
};

MetricSpec spec() {
  MetricSpec metric{.name = "ece",
                    .text = "expected calibration error: sum n_b/N |accuracy - "
                            "confidence| over 15 equal-width bins of confidence",
                    .source = "methods 12"};
  metric.rank = 170;
  metric.higher_is_better = false;
  metric.rows = [](std::int32_t, double) -> std::unique_ptr<RowMetric> {
    return std::make_unique<CalibrationError>();
  };
  return metric;
}

const Registered<MetricSpec> registered{spec()};

} // namespace
} // namespace tailor::runtime
