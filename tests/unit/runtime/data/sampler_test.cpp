#include "runtime/data/sampler.h"

#include "data_testing.h"

#include <cmath>
#include <numeric>

namespace tailor::runtime {
namespace {

/// 900 rows of class 0, 90 of class 1, 10 of class 2, none of class 3; interleaved.
std::vector<std::int32_t> labels() {
  std::vector<std::int32_t> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back(i % 100 == 99 ? 2 : i % 10 == 5 && i >= 100 ? 1 : 0);
  return values;
}

std::vector<std::int32_t> draw(const Sampler& sampler, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(sampler.epoch_length()), -1);
  sampler.draw_epoch(seed, epoch, rows);
  return rows;
}

std::vector<double> class_shares(const Sampler& sampler, int epochs) {
  const std::vector<std::int32_t> values = labels();
  std::vector<double> shares(4, 0);
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (const std::int32_t row : draw(sampler, 1, epoch))
      shares[static_cast<std::size_t>(values[static_cast<std::size_t>(row)])] += 1;
  for (double& share : shares)
    share /= static_cast<double>(sampler.epoch_length()) * epochs;
  return shares;
}

TEST(Sampler, UniformIsAPermutationOfItsOwnPerEpoch) {
  const auto sampler = value_of(make_sampler({}, labels(), 4));
  auto rows = draw(*sampler, 1, 0);
  EXPECT_EQ(rows, draw(*sampler, 1, 0));
  EXPECT_NE(rows, draw(*sampler, 1, 1));
  EXPECT_NE(rows, draw(*sampler, 2, 0));
  std::sort(rows.begin(), rows.end());
  std::vector<std::int32_t> all(1000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(rows, all);
}

TEST(Sampler, WeightedSamplersDrawClassesAsDefined) {
  const std::vector<double> n = {900, 90, 10};
  struct Case {
    SamplerKind kind;
    double (*row_weight)(double);
  };
  for (const Case& c : {Case{SamplerKind::kClassBalanced, [](double rows) { return 1 / rows; }},
                        Case{SamplerKind::kEffectiveBalanced,
                             [](double rows) { return 1e-4 / (1 - std::pow(0.9999, rows)); }},
                        Case{SamplerKind::kSqrt, [](double rows) { return 1 / std::sqrt(rows); }}}) {
    const auto sampler = value_of(make_sampler({.kind = c.kind}, labels(), 4));
    EXPECT_EQ(sampler->epoch_length(), 1000);
    const std::vector<double> shares = class_shares(*sampler, 50);
    double sum = 0;
    for (const double rows : n)
      sum += rows * c.row_weight(rows);
    for (std::size_t k = 0; k < 3; ++k) {
      const double p = n[k] * c.row_weight(n[k]) / sum;
      EXPECT_NEAR(shares[k], p, 5 * std::sqrt(p * (1 - p) / 50000)) << sampler->name() << " class " << k;
    }
    EXPECT_EQ(shares[3], 0);
  }
}

TEST(Sampler, ClassAwareCyclesOverClassesAndRows) {
  const std::vector<std::int32_t> values = labels();
  const auto sampler = value_of(make_sampler({.kind = SamplerKind::kClassAware}, values, 4));
  EXPECT_EQ(sampler->epoch_length(), 900 * 3); // the empty class is no part of the cycle
  const auto rows = draw(*sampler, 3, 0);
  for (std::size_t i = 0; i + 12 <= rows.size(); i += 12) { // three classes of four rows each
    std::vector<int> seen(4, 0);
    for (std::size_t j = 0; j < 12; ++j)
      ++seen[static_cast<std::size_t>(values[static_cast<std::size_t>(rows[i + j])])];
    EXPECT_EQ(seen, (std::vector<int>{4, 4, 4, 0}));
    for (std::size_t j = 0; j < 12; j += 4)
      EXPECT_EQ(values[static_cast<std::size_t>(rows[i + j])],
                values[static_cast<std::size_t>(rows[i + j + 3])]);
  }
  // Every rare row turns up equally often: 900 draws over 10 rows.
  std::vector<int> times(1000, 0);
  for (const std::int32_t row : rows)
    ++times[static_cast<std::size_t>(row)];
  for (std::size_t row = 0; row < 1000; ++row)
    if (values[row] == 2) {
      EXPECT_EQ(times[row], 90);
    }
}

TEST(Sampler, SequentialIsInOrder) {
  const auto sampler = make_sequential_sampler(3);
  EXPECT_EQ(draw(*sampler, 5, 9), (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(Sampler, RefusesWhatItCannotDraw) {
  EXPECT_FALSE(make_sampler({}, {}, 2).ok());
  EXPECT_FALSE(make_sampler({}, std::vector<std::int32_t>{0, 2}, 2).ok());
  EXPECT_FALSE(make_sampler({.kind = SamplerKind::kEffectiveBalanced, .beta = 1}, labels(), 4).ok());
  EXPECT_FALSE(make_sampler({.kind = SamplerKind::kClassAware, .run = 0}, labels(), 4).ok());
  EXPECT_THAT(parse_sampler_kind("balanced").status().message(), testing::HasSubstr("class_balanced"));
}

} // namespace
} // namespace tailor::runtime
