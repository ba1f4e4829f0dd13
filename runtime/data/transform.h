#pragma once
#include "runtime/base/result.h"
#include "runtime/options/data_keys.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Per-column map of numeric features, fitted on the training split.
///
///   none      x
///   standard  (x - mean) / std, std with ddof 0 and 1 where it is 0
///   quantile  Phi^-1(F(x)). F interpolates linearly between clip(N / 30, 10, 1000) evenly spaced quantiles
///             of x + noise, noise ~ N(0, 1e-6 std) with seed 0: noise is in the fit only. A run of equal
///             quantiles maps to its middle. Results are clipped at +-5.19933758, which is Phi^-1 of 1e-7;
///             so are values beyond the first and the last quantile.
///
/// A missing value (NaN) becomes the column's mean before the map. Everything is f64; only the result is f32.
/// standard and quantile do not depend on the column's unit or offset: k x + b gives the same features.
/// Source    methods.md 11.1; the quantile form is scikit-learn's QuantileTransformer (normal output). Its
///           noise there, 1e-3 / max(std, 1e-3), and the ends, widened by 1e-7, have no unit: they drown a
///           column of std 0.01 or less.
struct NumericTransform {
  Normalisation normalisation = Normalisation::kNone;
  std::vector<double> mean, std; ///< [columns], over present values
  std::int32_t num_quantiles = 0;
  std::vector<double> quantiles; ///< [columns, num_quantiles], ascending in each row

  std::int32_t num_columns() const { return static_cast<std::int32_t>(mean.size()); }
  /// The feature value of a cell; NaN = missing. Infinite if it is beyond f32.
  float apply(std::int32_t column, double value) const;

  bool operator==(const NumericTransform&) const = default;
};

/// `columns[c][row]` for row in `rows`. Errors: kInvalidArgument if a column has no value at all (its index
/// in the message).
Result<NumericTransform> fit_numeric(std::span<const std::vector<double>> columns,
                                     std::span<const std::int32_t> rows, Normalisation normalisation);

/// What a column keeps of its values when they become f32 features.
struct Resolution {
  std::int64_t num_values = 0;   ///< different values in the rows
  std::int64_t num_features = 0; ///< different features they give
};
/// Of `values[row]` for row in `rows`, under the map of `column`.
Resolution resolution(const NumericTransform& transform, std::int32_t column, std::span<const double> values,
                      std::span<const std::int32_t> rows);

/// Inverse of the standard normal distribution function, p in (0, 1), relative error below 1e-14 (Acklam's
/// rational start, one Halley step on erfc).
double inverse_normal_cdf(double p);

} // namespace tailor::runtime
