#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace tailor::runtime {

/// A metric over seeds: mean and SE = sd(ddof = 1) / sqrt(R). With one seed there is no standard error.
struct SeedSummary {
  std::int64_t num_seeds = 0;
  double mean = 0;
  std::optional<double> standard_error;
};
SeedSummary summarise(std::span<const double> values);

/// A metric as all tables and lines for people show it: "0.8512", "3.12e-05", "absent". Files have every digit.
std::string metric_text(std::optional<double> value);

/// "0.8512 +- 0.0031 (5 seeds)", "0.8512 (1 seed)", "absent" for none.
std::string to_string(const SeedSummary& summary);

/// How much method b differs from method a over the same seeds: d_s = b_s - a_s.
struct PairedDifference {
  std::int64_t num_pairs = 0;
  double mean = 0;
  std::optional<double> standard_error; ///< sd(d, ddof = 1) / sqrt(R); absent for one pair
  /// Of the confidence interval mean +- half_width; absent below kFewestPairs.
  std::optional<double> half_width;

  /// The interval does not hold 0. Never true without an interval.
  bool told_apart() const { return half_width && (mean > *half_width || mean < -*half_width); }
};

/// An interval from two pairs is 13 standard errors wide and one of no spread can be chance; below three there
/// is none.
inline constexpr std::int64_t kFewestPairs = 3;

/// half_width = t_{R-1, 1-(1-confidence)/2} sd(d) sqrt(1/R + resampling), R = number of pairs.
///
/// `resampling` is 0 where every seed meets the same rows. Where each seed draws its own evaluated rows out of
/// one pool, the training sets overlap and the plain interval is too narrow: it is then n_evaluated / n_training
/// (Nadeau and Bengio 2003, the corrected resampled t-test).
///
/// `a` and `b` have equal lengths, element s of both is of the same seed.
PairedDifference paired_difference(std::span<const double> a, std::span<const double> b, double confidence,
                                   double resampling = 0);

} // namespace tailor::runtime
