#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace tailor::runtime {

/// Metrics of an ordering: `scores` (higher = more positive, no NaN) against `positive` (0 or 1), equal
/// lengths. Absent when positives or negatives are missing. O(n log n).

/// P(score_pos > score_neg) + 1/2 P(equal), from average ranks.
std::optional<double> area_under_roc(std::span<const double> scores, std::span<const std::uint8_t> positive);

/// sum_t (R_t - R_{t-1}) P_t over distinct thresholds, descending: ties count as one step, no interpolation.
std::optional<double> average_precision(std::span<const double> scores,
                                        std::span<const std::uint8_t> positive);

/// Largest recall over thresholds whose precision is at least `precision`; 0 if none reaches it.
std::optional<double> recall_at_precision(std::span<const double> scores,
                                          std::span<const std::uint8_t> positive, double precision);

/// Largest sensitivity over thresholds whose specificity is at least `specificity`.
std::optional<double> sensitivity_at_specificity(std::span<const double> scores,
                                                 std::span<const std::uint8_t> positive, double specificity);

} // namespace tailor::runtime
