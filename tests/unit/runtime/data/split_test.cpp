#include "runtime/data/split.h"

#include "data_testing.h"

#include <set>

namespace tailor::runtime {
namespace {

void expect_partition(const SplitRows& rows, std::size_t num_rows) {
  std::set<std::int32_t> all;
  for (const auto* part : {&rows.train, &rows.val, &rows.test}) {
    EXPECT_TRUE(std::is_sorted(part->begin(), part->end()));
    all.insert(part->begin(), part->end());
  }
  EXPECT_EQ(all.size(), num_rows);
  EXPECT_EQ(rows.train.size() + rows.val.size() + rows.test.size(), num_rows);
}

TEST(Split, StratifiedKeepsTheSharesOfEveryClass) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 1000; ++i)
    labels.push_back(i % 10 == 0 ? 1 : 0); // 900 and 100
  const SplitRows rows = value_of(split_stratified(labels, 2, {}));
  expect_partition(rows, 1000);
  const auto rare = [&](const std::vector<std::int32_t>& part) {
    return std::count_if(part.begin(), part.end(),
                         [&](std::int32_t row) { return labels[static_cast<std::size_t>(row)] == 1; });
  };
  EXPECT_EQ(rows.test.size(), 200u);
  EXPECT_EQ(rows.val.size(), 160u);
  EXPECT_EQ(rare(rows.test), 20);
  EXPECT_EQ(rare(rows.val), 16);
  EXPECT_EQ(rare(rows.train), 64);
  EXPECT_EQ(value_of(split_stratified(labels, 2, {})).test, rows.test);
  EXPECT_NE(value_of(split_stratified(labels, 2, {.seed = 1})).test, rows.test);
}

TEST(Split, ValidationHasASeedOfItsOwn) {
  const std::vector<std::int32_t> labels(500, 0);
  std::vector<std::int32_t> groups;
  for (std::int32_t g = 0; g < 60; ++g)
    groups.insert(groups.end(), static_cast<std::size_t>(1 + g % 7), g);
  for (const bool by_group : {false, true}) {
    const auto split = [&](const SplitSpec& spec) {
      return value_of(by_group ? split_by_group(groups, spec) : split_stratified(labels, 1, spec));
    };
    const SplitRows rows = split({}), other = split({.val_seed = 7});
    EXPECT_EQ(other.test, rows.test);
    EXPECT_NE(other.val, rows.val);
    EXPECT_NE(split({.seed = 7}).test, rows.test);
    expect_partition(other, by_group ? groups.size() : labels.size());
  }
}

TEST(Split, StratifiedLeavesEveryClassATrainingRow) {
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2};
  const SplitRows rows = value_of(split_stratified(labels, 4, {.val = 0.4, .test = 0.5}));
  expect_partition(rows, labels.size());
  std::set<std::int32_t> classes;
  for (const std::int32_t row : rows.train)
    classes.insert(labels[static_cast<std::size_t>(row)]);
  EXPECT_EQ(classes, (std::set<std::int32_t>{0, 1, 2}));
}

TEST(Split, GroupsAreNeverDivided) {
  std::vector<std::int32_t> groups;
  for (std::int32_t g = 0; g < 60; ++g)
    groups.insert(groups.end(), static_cast<std::size_t>(1 + g % 7), g);
  const SplitRows rows = value_of(split_by_group(groups, {}));
  expect_partition(rows, groups.size());
  std::vector<std::set<int>> where(60);
  int part_index = 0;
  for (const auto* part : {&rows.train, &rows.val, &rows.test}) {
    for (const std::int32_t row : *part)
      where[static_cast<std::size_t>(groups[static_cast<std::size_t>(row)])].insert(part_index);
    ++part_index;
  }
  for (const auto& splits : where)
    EXPECT_EQ(splits.size(), 1u);
  // Shares are met to within one group (7 of 237 rows).
  EXPECT_NEAR(static_cast<double>(rows.test.size()), 0.2 * static_cast<double>(groups.size()), 7);
  EXPECT_NEAR(static_cast<double>(rows.val.size()), 0.16 * static_cast<double>(groups.size()), 7);
  EXPECT_NE(value_of(split_by_group(groups, {.seed = 5})).test, rows.test);
}

TEST(Split, GroupsMustBeEnough) {
  EXPECT_THAT(split_by_group(std::vector<std::int32_t>{0, 0, 1, 1}, {}).status().message(),
              testing::HasSubstr("has 2 groups, expected at least 3"));
  const SplitRows rows = value_of(split_by_group(std::vector<std::int32_t>{0, 0, 1, 1, 2}, {}));
  EXPECT_FALSE(rows.train.empty() || rows.val.empty() || rows.test.empty());
}

TEST(Split, TimeCutsTheEndOff) {
  std::vector<double> times;
  for (int i = 0; i < 100; ++i)
    times.push_back((i * 37) % 100); // a permutation
  const SplitRows rows = value_of(split_by_time(times, {.val = 0.1, .test = 0.2}));
  expect_partition(rows, 100);
  EXPECT_EQ(rows.test.size(), 20u);
  EXPECT_EQ(rows.val.size(), 10u);
  for (const std::int32_t row : rows.test)
    EXPECT_GE(times[static_cast<std::size_t>(row)], 80);
  for (const std::int32_t row : rows.val)
    EXPECT_TRUE(times[static_cast<std::size_t>(row)] >= 70 && times[static_cast<std::size_t>(row)] < 80);
}

TEST(Split, EqualTimesStayTogetherInTheEarlierSplit) {
  const std::vector<double> times = {1, 2, 3, 4, 5, 5, 5, 5, 6, 7};
  const SplitRows rows = value_of(split_by_time(times, {.val = 0.25, .test = 0.1}));
  EXPECT_EQ(rows.train, (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(rows.val, (std::vector<std::int32_t>{8}));
  EXPECT_EQ(rows.test, (std::vector<std::int32_t>{9}));
  EXPECT_THAT(split_by_time(std::vector<double>(10, 1.0), {}).status().message(),
              testing::HasSubstr("no row for validation"));
}

TEST(Split, FractionsMustLeaveTrainingRows) {
  for (const SplitSpec& spec :
       {SplitSpec{.val = 0.5, .test = 0.5}, SplitSpec{.val = -0.1}, SplitSpec{.val = NAN}})
    EXPECT_FALSE(split_stratified(std::vector<std::int32_t>{0, 1}, 2, spec).ok());
}

} // namespace
} // namespace tailor::runtime
