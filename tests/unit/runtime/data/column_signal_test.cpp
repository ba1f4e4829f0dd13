#include "runtime/data/column_signal.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

RawTable numbers(const std::vector<double>& values, const std::vector<std::int32_t>& labels) {
  RawTable table;
  table.num_rows = std::ssize(labels);
  table.numeric.emplace_back(values.begin(), values.end());
  table.label = labels;
  return table;
}

TEST(ColumnSignal, RanksOfTwoClassesAreThoseOfTheMetrics) {
  // 5 positives above all but two of 7 negatives: 25 of 35 pairs are in order.
  const RawTable table =
      numbers({1, 2, 3, 4, 5, 11, 12, 6, 7, 8, 9, 10}, {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1});
  const ColumnSignal signal = measure_numeric(table, 0, 2, 1);
  EXPECT_DOUBLE_EQ(*signal.auc, 25.0 / 35);
  EXPECT_DOUBLE_EQ(*signal.average_precision, (1.0 / 3 + 2.0 / 4 + 3.0 / 5 + 4.0 / 6 + 5.0 / 7) / 5);
  EXPECT_EQ(signal.distinct, 12);
  EXPECT_TRUE(signal.whole && signal.equal_steps);
  EXPECT_FALSE(signal.rising || signal.falling);
}

TEST(ColumnSignal, DirectionDoesNotMatterAndTiesCountHalf) {
  std::vector<double> values, falling;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 40; ++i) {
    values.push_back(i < 20 ? 1 : 2);
    falling.push_back(-values.back());
    labels.push_back(i < 10 || i >= 30);
  }
  EXPECT_DOUBLE_EQ(*measure_numeric(numbers(values, labels), 0, 2, 1).auc,
                   *measure_numeric(numbers(falling, labels), 0, 2, 1).auc);
  EXPECT_NEAR(*measure_numeric(numbers(values, labels), 0, 2, 1).auc, 0.5, 0.1);
}

TEST(ColumnSignal, AValueInTheMiddleThatMeansTheClassIsSeen) {
  std::vector<double> values;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 3000; ++i) {
    values.push_back(i % 10);
    labels.push_back(i % 10 == 4);
  }
  const ColumnSignal signal = measure_numeric(numbers(values, labels), 0, 2, 1);
  EXPECT_DOUBLE_EQ(*signal.auc, 1);
  EXPECT_DOUBLE_EQ(*signal.average_precision, 1);
}

TEST(ColumnSignal, CategoriesAreScoredByTheOtherFold) {
  RawTable table;
  table.num_rows = 4000;
  table.category.resize(2);
  for (int i = 0; i < 4000; ++i) {
    table.label.push_back(i % 4 == 0);
    // One category a row says nothing of other rows, however well it fits its own.
    table.category[0].values.push_back(concat(i));
    table.category[0].codes.push_back(i);
    table.category[1].codes.push_back(i % 4 == 0 ? 1 : i % 4 == 1 ? 2 : 0);
  }
  table.category[1].values = {std::string(kMissingCategory), "x", "z"};
  EXPECT_NEAR(*measure_category(table, 0, 2, 1).auc, 0.5, 1e-12);
  const ColumnSignal signal = measure_category(table, 1, 2, 1);
  EXPECT_DOUBLE_EQ(*signal.auc, 1);
  EXPECT_EQ(signal.distinct, 2);
  EXPECT_EQ(signal.num_values, 2000);
}

TEST(ColumnSignal, MoreClassesAreAveragedAndTinyOnesAreNot) {
  std::vector<double> values;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 300; ++i) {
    labels.push_back(i % 3);
    values.push_back(i % 3 == 2 ? 1 : 0); // one class of three
  }
  const ColumnSignal one = measure_numeric(numbers(values, labels), 0, 3, -1);
  EXPECT_NEAR(*one.auc, (1 + 0.75 + 0.75) / 3, 0.02);
  labels.assign(300, 0);
  std::fill(labels.begin(), labels.begin() + 4, 1);
  EXPECT_FALSE(measure_numeric(numbers(values, labels), 0, 2, 1).auc);
}

TEST(ColumnSignal, FiguresOfALongOffsetAreNotLost) {
  std::vector<double> values;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 40; ++i) {
    labels.push_back(i % 2);
    values.push_back(i % 2);
  }
  EXPECT_DOUBLE_EQ(*measure_numeric(numbers(values, labels), 0, 2, 1).auc, 1);
}

} // namespace
} // namespace tailor::runtime
