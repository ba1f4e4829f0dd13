#include "runtime/data/transform.h"

#include "data_testing.h"

#include <cmath>
#include <numeric>

namespace tailor::runtime {
namespace {

using Columns = std::vector<std::vector<double>>;

std::vector<std::int32_t> first_rows(std::int32_t count) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(InverseNormal, KnownQuantiles) {
  // Published values of Phi^-1.
  EXPECT_EQ(inverse_normal_cdf(0.5), 0.0);
  EXPECT_NEAR(inverse_normal_cdf(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(inverse_normal_cdf(0.995), 2.575829303548901, 1e-14);
  EXPECT_NEAR(inverse_normal_cdf(0.001), -3.090232306167813, 1e-14);
  EXPECT_NEAR(inverse_normal_cdf(1e-7), -5.199337582192817, 1e-13);
}

TEST(InverseNormal, UndoesTheDistributionFunction) {
  for (double x = -5; x <= 5; x += 0.01)
    EXPECT_NEAR(inverse_normal_cdf(0.5 * std::erfc(-x / std::sqrt(2))), x,
                1e-9 * (1 + std::exp(x * x / 2) * 1e-7))
        << x;
}

TEST(Transform, NoneKeepsValuesAndFillsGapsWithTheMean) {
  const NumericTransform t = value_of(fit_numeric(Columns{{1, NAN, 5}}, first_rows(3), Normalisation::kNone));
  EXPECT_EQ(t.apply(0, 7.25), 7.25f);
  EXPECT_EQ(t.apply(0, NAN), 3.0f);
}

TEST(Transform, StandardUsesTheGivenRowsOnly) {
  const NumericTransform t =
      value_of(fit_numeric(Columns{{2, 4, 1000}, {5, 5, 6}}, first_rows(2), Normalisation::kStandard));
  EXPECT_EQ(t.mean, (std::vector<double>{3, 5}));
  EXPECT_EQ(t.std, (std::vector<double>{1, 0})); // ddof 0
  EXPECT_EQ(t.apply(0, 5), 2.0f);
  EXPECT_EQ(t.apply(0, NAN), 0.0f);
  EXPECT_EQ(t.apply(1, 7), 2.0f); // a constant column is only shifted
}

TEST(Transform, AnOffsetCancelsBeforeAnythingIsRounded) {
  // Seconds since 1970 and yyyymmddHHMMSS: neighbours are one number in f32.
  for (const double offset : {1e8, 1.7e9, 2.0240131235959e13, -4e14}) {
    const Columns columns = {{offset, offset + 1, offset + 3}};
    const NumericTransform t = value_of(fit_numeric(columns, first_rows(3), Normalisation::kStandard));
    const double bits = 1e-6 + std::abs(offset) * 0x1p-53; // the mean is an f64
    EXPECT_NEAR(t.std[0], std::sqrt(14.0) / 3, 1e-12) << offset;
    EXPECT_NEAR(t.apply(0, offset + 1), -1 / std::sqrt(14.0), bits) << offset;
    EXPECT_NEAR(t.apply(0, offset + 3), 5 / std::sqrt(14.0), bits) << offset;
  }
}

TEST(Transform, AConstantColumnHasNoStdAtAll) {
  // 0.1 summed 1000 times over is not 100; a mean that is off by one bit would give features of +-1.
  const Columns columns = {std::vector<double>(1000, 0.1)};
  for (const Normalisation normalisation : {Normalisation::kStandard, Normalisation::kQuantile}) {
    const NumericTransform t = value_of(fit_numeric(columns, first_rows(1000), normalisation));
    EXPECT_EQ(t.mean[0], 0.1);
    EXPECT_EQ(t.std[0], 0.0);
    EXPECT_EQ(t.apply(0, 0.1), 0.0f);
  }
}

TEST(Transform, FeaturesDoNotDependOnTheUnit) {
  const std::int32_t n = 900;
  Columns metres(1), nanometres(1);
  for (std::int32_t i = 0; i < n; ++i) {
    metres[0].push_back((i * 619) % n);
    nanometres[0].push_back(std::ldexp(metres[0].back(), -40)); // a power of two: every bit must agree
  }
  for (const Normalisation normalisation : {Normalisation::kStandard, Normalisation::kQuantile}) {
    const NumericTransform large = value_of(fit_numeric(metres, first_rows(n), normalisation));
    const NumericTransform small = value_of(fit_numeric(nanometres, first_rows(n), normalisation));
    for (std::int32_t i = 0; i < n; ++i)
      ASSERT_EQ(large.apply(0, metres[0][i]), small.apply(0, nanometres[0][i])) << i;
  }
}

TEST(Transform, ResolutionCountsWhatF32Joins) {
  const Columns columns = {{1e8, 1e8 + 1, 1e8 + 2, 1e8 + 2, NAN}};
  const auto kept = [&](Normalisation normalisation) {
    return resolution(value_of(fit_numeric(columns, first_rows(5), normalisation)), 0, columns[0],
                      first_rows(5));
  };
  EXPECT_EQ(kept(Normalisation::kNone).num_values, 3);
  EXPECT_EQ(kept(Normalisation::kNone).num_features, 1);
  EXPECT_EQ(kept(Normalisation::kStandard).num_features, 3);
}

TEST(Transform, ColumnsWithoutAnyValueAreErrors) {
  EXPECT_THAT(
      fit_numeric(Columns{{1, 2}, {NAN, NAN}}, first_rows(2), Normalisation::kStandard).status().message(),
      testing::HasSubstr("numeric column 1 has no value in any of the 2 training rows"));
  EXPECT_FALSE(fit_numeric(Columns{{1}}, {}, Normalisation::kNone).ok());
}

TEST(Transform, NumberOfQuantilesFollowsTheRule) {
  const auto quantiles = [](std::int32_t rows) {
    return value_of(fit_numeric(Columns{std::vector<double>(static_cast<std::size_t>(rows), 1.0)},
                                first_rows(rows), Normalisation::kQuantile))
        .num_quantiles;
  };
  EXPECT_EQ(quantiles(20), 10);  // 20 / 30 clipped up to 10
  EXPECT_EQ(quantiles(600), 20); // 600 / 30
  EXPECT_EQ(quantiles(40000), 1000);
}

TEST(Transform, QuantileMakesAnyColumnNormal) {
  Columns columns(1);
  const std::int32_t n = 30000;
  for (std::int32_t i = 0; i < n; ++i)
    columns[0].push_back(std::exp(static_cast<double>((i * 7919) % n) / n * 8)); // far from normal, shuffled
  const NumericTransform t = value_of(fit_numeric(columns, first_rows(n), Normalisation::kQuantile));
  double sum = 0, squares = 0;
  for (const double value : columns[0]) {
    const double z = t.apply(0, value);
    sum += z, squares += z * z;
  }
  EXPECT_NEAR(sum / n, 0, 0.01);
  EXPECT_NEAR(squares / n, 1, 0.02);
  // The median maps to 0, the upper quartile to Phi^-1(3/4); noise of the fit is 1e-3 / std.
  EXPECT_NEAR(t.apply(0, std::exp(4.0)), 0, 2e-3);
  EXPECT_NEAR(t.apply(0, std::exp(6.0)), 0.6745, 2e-3);
}

TEST(Transform, QuantileClipsTheEnds) {
  Columns columns = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const NumericTransform t = value_of(fit_numeric(columns, first_rows(10), Normalisation::kQuantile));
  EXPECT_FLOAT_EQ(t.apply(0, -100), -5.1993376f);
  EXPECT_FLOAT_EQ(t.apply(0, 100), 5.1993376f);
}

TEST(Transform, QuantileTakesTheMiddleOfEqualQuantiles) {
  NumericTransform t;
  t.normalisation = Normalisation::kQuantile;
  t.mean = {0};
  t.std = {1};
  t.num_quantiles = 5;
  t.quantiles = {0, 1, 1, 1, 2};
  // F(1) is the mean of 1/4 and 3/4; F(1.5) = (3 + 1/2) / 4.
  EXPECT_NEAR(t.apply(0, 1), 0, 1e-7);
  EXPECT_NEAR(t.apply(0, 1.5), inverse_normal_cdf(0.875), 1e-6);
  EXPECT_NEAR(t.apply(0, 0.5), inverse_normal_cdf(0.125), 1e-6);
}

TEST(Transform, FittingIsDeterministic) {
  Columns columns = {{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}};
  const auto fit_once = [&] {
    return value_of(fit_numeric(columns, first_rows(10), Normalisation::kQuantile));
  };
  EXPECT_EQ(fit_once(), fit_once());
}

} // namespace
} // namespace tailor::runtime
