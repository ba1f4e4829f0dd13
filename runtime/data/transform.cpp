#include "runtime/data/transform.h"

#include "runtime/data/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tailor::runtime {
namespace {

constexpr double kNoise =
    1e-6; // of the std: breaks ties, yet stays small beside the dense end of a skewed column
constexpr double kSmallestRank = 1e-7;
constexpr double kClip = 5.199337582605575; // -inverse_normal_cdf(1e-7 - 2^-52), as scikit-learn clips

/// Distance-weighted between neighbours of sorted values, as numpy.percentile's default.
double interpolated_quantile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

/// Place of `value` among `quantiles` in [0, 1]; the middle of a run of equal ones.
double interpolated_rank(std::span<const double> quantiles, double value) {
  const double steps = static_cast<double>(quantiles.size() - 1);
  const auto low = static_cast<std::size_t>(std::lower_bound(quantiles.begin(), quantiles.end(), value) -
                                            quantiles.begin());
  if (quantiles[low] == value) {
    const auto high = static_cast<std::size_t>(
        std::upper_bound(quantiles.begin() + static_cast<std::ptrdiff_t>(low), quantiles.end(), value) -
        quantiles.begin());
    return (static_cast<double>(low) + static_cast<double>(high - 1)) / 2 / steps;
  }
  const double within = (value - quantiles[low - 1]) / (quantiles[low] - quantiles[low - 1]);
  return (static_cast<double>(low - 1) + within) / steps;
}

/// Two passes over the distances from one value of the column: an offset, however large, cancels before anything
/// is summed or squared, and a constant column has std 0 exactly.
void fit_moments(std::span<const std::vector<double>> columns, std::span<const std::int32_t> rows,
                 NumericTransform& transform, std::vector<std::int64_t>& num_values) {
  for (const std::vector<double>& column : columns) {
    const auto each = [&](const auto& use) {
      for (const std::int32_t row : rows)
        if (const double value = column[static_cast<std::size_t>(row)]; !std::isnan(value)) use(value);
    };
    double origin = 0, sum = 0;
    std::int64_t count = 0;
    each([&](double value) {
      if (count++ == 0) origin = value;
      sum += value - origin;
    });
    const double n = static_cast<double>(std::max<std::int64_t>(count, 1));
    const double shift = sum / n;
    double rest = 0, squares = 0;
    each([&](double value) {
      const double distance = (value - origin) - shift;
      rest += distance;
      squares += distance * distance;
    });
    transform.mean.push_back(origin + shift);
    transform.std.push_back(std::sqrt(std::max(0.0, (squares - rest * rest / n) / n)));
    num_values.push_back(count);
  }
}

} // namespace

float NumericTransform::apply(std::int32_t column, double value) const {
  const auto c = static_cast<std::size_t>(column);
  const double x = std::isnan(value) ? mean[c] : value;
  switch (normalisation) {
  case Normalisation::kNone:
    break;
  case Normalisation::kStandard:
    return static_cast<float>((x - mean[c]) / (std[c] > 0 ? std[c] : 1.0));
  case Normalisation::kQuantile: {
    const auto n = static_cast<std::size_t>(num_quantiles);
    const std::span<const double> row(quantiles.data() + c * n, n);
    if (x < row.front()) return static_cast<float>(-kClip);
    if (x > row.back()) return static_cast<float>(kClip);
    const double rank = interpolated_rank(row, x);
    if (rank <= kSmallestRank) return static_cast<float>(-kClip);
    if (rank >= 1 - kSmallestRank) return static_cast<float>(kClip);
    return static_cast<float>(inverse_normal_cdf(rank));
  }
  }
  return static_cast<float>(x);
}

Result<NumericTransform> fit_numeric(std::span<const std::vector<double>> columns,
                                     std::span<const std::int32_t> rows, Normalisation normalisation) {
  if (rows.empty()) return invalid_argument("no training row to fit on");
  NumericTransform transform;
  transform.normalisation = normalisation;
  std::vector<std::int64_t> num_values;
  fit_moments(columns, rows, transform, num_values);
  for (std::size_t c = 0; c < columns.size(); ++c)
    if (num_values[c] == 0)
      return invalid_argument("numeric column ", c, " has no value in any of the ", rows.size(),
                              " training rows");
  if (normalisation != Normalisation::kQuantile) return transform;

  const auto num_rows = static_cast<std::int64_t>(rows.size());
  transform.num_quantiles = static_cast<std::int32_t>(std::clamp<std::int64_t>(num_rows / 30, 10, 1000));
  std::vector<double> noisy(rows.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    DataRandom random(0, DataPurpose::kQuantileNoise, 0, static_cast<std::uint32_t>(c));
    const double scale = kNoise * transform.std[c];
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double value = columns[c][static_cast<std::size_t>(rows[i])];
      noisy[i] = (std::isnan(value) ? transform.mean[c] : value) + scale * random.normal();
    }
    std::sort(noisy.begin(), noisy.end());
    for (std::int32_t q = 0; q < transform.num_quantiles; ++q)
      transform.quantiles.push_back(interpolated_quantile(
          noisy, static_cast<double>(q) / static_cast<double>(transform.num_quantiles - 1)));
  }
  return transform;
}

Resolution resolution(const NumericTransform& transform, std::int32_t column, std::span<const double> values,
                      std::span<const std::int32_t> rows) {
  std::vector<double> sorted;
  sorted.reserve(rows.size());
  for (const std::int32_t row : rows)
    if (const double value = values[static_cast<std::size_t>(row)]; !std::isnan(value))
      sorted.push_back(value);
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  Resolution kept{std::ssize(sorted), 0};
  float last = 0;
  for (const double value : sorted) { // every map is monotone: equal features stand side by side
    const float feature = transform.apply(column, value);
    if (kept.num_features == 0 || feature != last) ++kept.num_features;
    last = feature;
  }
  return kept;
}

double inverse_normal_cdf(double p) {
  // Acklam's rational approximation (relative error 1.15e-9), then one Halley step with the exact erfc.
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  constexpr double kLow = 0.02425;
  const double tail = std::min(p, 1 - p);
  double x;
  if (tail < kLow) {
    const double q = std::sqrt(-2 * std::log(tail));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
        ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  } else {
    const double q = tail - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - tail;
  const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  x -= step / (1 + x * step / 2);
  return p > 0.5 ? -x : x;
}

} // namespace tailor::runtime
