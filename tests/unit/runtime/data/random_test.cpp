#include "runtime/data/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace tailor::runtime {
namespace {

TEST(DataRandom, IsTheDocumentedPhiloxSequence) {
  DataRandom random(0x1122334455667788, DataPurpose::kSplit, 7, 3);
  const PhiloxCounter first =
      philox4x32_10({0, 3, 7, 0}, {0x55667788u, 0x11223344u ^ 0xDA7A0001u * 0x85EBCA6Bu});
  const PhiloxCounter second =
      philox4x32_10({1, 3, 7, 0}, {0x55667788u, 0x11223344u ^ 0xDA7A0001u * 0x85EBCA6Bu});
  for (const std::uint32_t word : first)
    EXPECT_EQ(random.word(), word);
  EXPECT_EQ(random.word(), second[0]);
}

TEST(DataRandom, BelowIsUnbiasedAndInRange) {
  DataRandom random(1, DataPurpose::kEpochOrder);
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60000; ++i)
    ++counts[random.below(6)];
  for (const int count : counts) // 5 standard deviations of a binomial(60000, 1/6)
    EXPECT_NEAR(count, 10000, 5 * std::sqrt(60000 * 5.0 / 36));
  EXPECT_EQ(random.below(1), 0u);
}

TEST(DataRandom, NormalHasUnitVariance) {
  DataRandom random(2, DataPurpose::kGenerate);
  double sum = 0, squares = 0;
  const int n = 40000;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x, squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
}

TEST(DataRandom, ShuffleIsAPermutationThatDependsOnEverything) {
  const auto shuffled = [](std::uint64_t seed, DataPurpose purpose, std::uint32_t epoch, std::uint32_t part) {
    std::vector<std::int32_t> values(50);
    std::iota(values.begin(), values.end(), 0);
    DataRandom(seed, purpose, epoch, part).shuffle(values);
    return values;
  };
  const auto base = shuffled(1, DataPurpose::kSplit, 0, 0);
  EXPECT_EQ(base, shuffled(1, DataPurpose::kSplit, 0, 0));
  EXPECT_NE(base, shuffled(2, DataPurpose::kSplit, 0, 0));
  EXPECT_NE(base, shuffled(std::uint64_t{1} << 32 | 1, DataPurpose::kSplit, 0, 0));
  EXPECT_NE(base, shuffled(1, DataPurpose::kSubset, 0, 0));
  EXPECT_NE(base, shuffled(1, DataPurpose::kSplit, 1, 0));
  EXPECT_NE(base, shuffled(1, DataPurpose::kSplit, 0, 1));
  auto sorted = base;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(sorted[static_cast<std::size_t>(i)], i);
}

} // namespace
} // namespace tailor::runtime
