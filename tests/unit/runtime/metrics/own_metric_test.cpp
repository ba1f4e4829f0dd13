// Metrics of one's own, in one file: what runtime/metrics/kinds/README.md says.
#include "runtime/metrics/evaluation.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/key_table.h"

#include <algorithm>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

/// The share of rows whose two largest logits are less than x apart.
class Doubt final : public RowMetric {
public:
  explicit Doubt(double least) : least_(least) {}
  void add(const EvaluatedRow& row) override {
    std::vector<double> logits(row.logits.begin(), row.logits.end());
    std::sort(logits.begin(), logits.end());
    doubtful_ += logits[logits.size() - 1] - logits[logits.size() - 2] < least_;
  }
  std::optional<double> value(const EvaluatedSplit& split) const override { return split.mean(doubtful_); }

private:
  double least_, doubtful_ = 0;
};

MetricSpec doubt_spec() {
  MetricSpec metric{.name = "doubt(x)",
                    .text = "share of rows whose two largest logits are less than x apart"};
  metric.on_request = true;
  metric.higher_is_better = false;
  metric.rows = [](std::int32_t, double x) -> std::unique_ptr<RowMetric> {
    return std::make_unique<Doubt>(x);
  };
  return metric;
}

MetricSpec errors_spec() {
  MetricSpec metric{.name = "errors", .text = "rows decided wrong"};
  metric.higher_is_better = false;
  metric.value = [](const EvaluatedSplit& split, double) -> std::optional<double> {
    std::int64_t wrong = split.confusion.num_rows();
    if (wrong == 0) return std::nullopt;
    for (std::int32_t k = 0; k < split.confusion.num_classes(); ++k)
      wrong -= split.confusion.correct_rows(k);
    return static_cast<double>(wrong);
  };
  return metric;
}

const Registered<MetricSpec> doubt{doubt_spec()};
const Registered<MetricSpec> errors{errors_spec()};

TEST(OwnMetric, IsComputedBehindTheOthers) {
  EXPECT_THAT(registration_problems(), ::testing::IsEmpty());
  Result<Evaluation> evaluation =
      Evaluation::create({.num_classes = 3, .train_class_counts = {3, 3, 3}, .requested = {"doubt(0.5)"}});
  ASSERT_TRUE(evaluation.ok()) << evaluation.status().message();
  const std::vector<float> logits = {1, 0, 0, 1, 0.75, 0, 0, 0, 2};
  const std::vector<std::int32_t> labels = {0, 1, 1};
  ASSERT_TRUE(evaluation->add(logits, labels, 3).ok());
  const EvaluationResult result = evaluation->finish();
  EXPECT_EQ(result.find("errors")->value, 2);
  EXPECT_DOUBLE_EQ(*result.find("doubt(0.5)")->value, 1.0 / 3);
  EXPECT_EQ(result.metrics.front().name, "loss");
  EXPECT_EQ(metric_names(3).back(), "errors");
}

TEST(OwnMetric, HasItsDirectionAndIsInTheTable) {
  EXPECT_FALSE(higher_is_better("val/errors"));
  EXPECT_FALSE(higher_is_better("doubt(0.1)"));
  EXPECT_THAT(find_key(key_name(&EvalKeys::metrics))->words(),
              ::testing::IsSupersetOf({"errors", "doubt(x)"}));
  EXPECT_THAT(parse_metric("error").status().hint(), ::testing::HasSubstr("errors"));
  EXPECT_FALSE(parse_metric("doubt").ok());
}

} // namespace
} // namespace tailor::runtime
