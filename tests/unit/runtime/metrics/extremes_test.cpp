#include "runtime/metrics/extremes.h"

#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

EvaluationPlan plan_of(std::vector<std::int64_t> train_class_counts, std::vector<std::string> extra = {}) {
  EvaluationPlan plan;
  plan.num_classes = static_cast<std::int32_t>(train_class_counts.size());
  plan.train_class_counts = std::move(train_class_counts);
  plan.requested = std::move(extra);
  return plan;
}

std::optional<double> value(const EvaluationResult& result, const char* name) {
  const Metric* metric = result.find(name);
  EXPECT_TRUE(metric) << name;
  return metric ? metric->value : std::nullopt;
}

TEST(Extremes, EveryMetricTellsTheBestFromTheWorstWhereAllClassesHaveRows) {
  const std::int64_t rows[] = {300, 7};
  const Result<Extremes> ends =
      extremes(plan_of({1000, 25}, {"brier", "ece", "kappa", "recall_at_precision(0.9)"}), rows);
  ASSERT_TRUE(ends.ok()) << ends.status().message();
  EXPECT_EQ(ends->right.num_rows, 307);
  for (const Metric& metric : ends->right.metrics) {
    if (metric.name == "few" || metric.name == "med" || metric.name == "many")
      continue; // 25 is med, 1000 many
    ASSERT_TRUE(metric.value) << metric.name;
    EXPECT_NE(metric.value, value(ends->wrong, metric.name.c_str())) << metric.name;
  }
  EXPECT_EQ(value(ends->right, "auc"), 1.0);
  EXPECT_EQ(value(ends->wrong, "auc"), 0.0);
  EXPECT_LT(*value(ends->right, "ece"), 1e-6);
  EXPECT_GT(*value(ends->wrong, "ece"), 0.99);
  EXPECT_EQ(value(ends->right, "few"), std::nullopt) << "no class is that small";
}

TEST(Extremes, WithoutAPositiveRowRankingIsAbsentAndMccConstant) {
  const std::int64_t rows[] = {300, 0};
  const Result<Extremes> ends = extremes(plan_of({1000, 3}), rows);
  ASSERT_TRUE(ends.ok()) << ends.status().message();
  for (const char* name : {"auc", "average_precision", "f1", "minority", "few"})
    EXPECT_EQ(value(ends->right, name), std::nullopt) << name;
  EXPECT_EQ(value(ends->right, "mcc"), value(ends->wrong, "mcc"));
  EXPECT_EQ(value(ends->right, "accuracy"), 1.0);
  EXPECT_EQ(value(ends->wrong, "accuracy"), 0.0);
}

TEST(Extremes, RefusesCountsOfOtherClasses) {
  const std::int64_t rows[] = {1, 2, 3};
  EXPECT_EQ(extremes(plan_of({5, 5}), rows).status().message(), "rows of 3 classes for metrics over 2");
  EXPECT_FALSE(extremes(plan_of({5, 5}, {"nope"}), std::span(rows).first(2)).ok());
}

} // namespace
} // namespace tailor::runtime
