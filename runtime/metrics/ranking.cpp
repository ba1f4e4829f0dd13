#include "runtime/metrics/ranking.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace tailor::runtime {
namespace {

/// Rows counted from the highest score down; one entry per distinct score.
struct Threshold {
  std::int64_t positives = 0, negatives = 0; ///< with a score of at least this one
};

/// Empty when positives or negatives are missing.
std::vector<Threshold> thresholds(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<Threshold> result;
  Threshold seen;
  for (std::size_t i = 0; i < order.size(); ++i) {
    (positive[order[i]] ? seen.positives : seen.negatives) += 1;
    if (i + 1 == order.size() || scores[order[i + 1]] != scores[order[i]]) result.push_back(seen);
  }
  if (seen.positives == 0 || seen.negatives == 0) result.clear();
  return result;
}

} // namespace

std::optional<double> area_under_roc(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  const std::vector<Threshold> steps = thresholds(scores, positive);
  if (steps.empty()) return std::nullopt;
  // Twice the number of (positive, negative) pairs in order, ties counting half: an integer below 2^63 for
  // 2^31 rows.
  std::int64_t twice_ordered = 0;
  Threshold before;
  const std::int64_t positives = steps.back().positives, negatives = steps.back().negatives;
  for (const Threshold& step : steps) {
    const std::int64_t here = step.positives - before.positives;
    twice_ordered += here * ((negatives - step.negatives) + (negatives - before.negatives));
    before = step;
  }
  return static_cast<double>(twice_ordered) / 2 /
         (static_cast<double>(positives) * static_cast<double>(negatives));
}

std::optional<double> average_precision(std::span<const double> scores,
                                        std::span<const std::uint8_t> positive) {
  const std::vector<Threshold> steps = thresholds(scores, positive);
  if (steps.empty()) return std::nullopt;
  double sum = 0;
  std::int64_t before = 0;
  for (const Threshold& step : steps) {
    const double precision =
        static_cast<double>(step.positives) / static_cast<double>(step.positives + step.negatives);
    sum += static_cast<double>(step.positives - before) * precision;
    before = step.positives;
  }
  return sum / static_cast<double>(steps.back().positives);
}

std::optional<double> recall_at_precision(std::span<const double> scores,
                                          std::span<const std::uint8_t> positive, double precision) {
  const std::vector<Threshold> steps = thresholds(scores, positive);
  if (steps.empty()) return std::nullopt;
  std::int64_t best = 0;
  for (const Threshold& step : steps)
    if (static_cast<double>(step.positives) >=
        precision * static_cast<double>(step.positives + step.negatives))
      best = step.positives;
  return static_cast<double>(best) / static_cast<double>(steps.back().positives);
}

std::optional<double> sensitivity_at_specificity(std::span<const double> scores,
                                                 std::span<const std::uint8_t> positive, double specificity) {
  const std::vector<Threshold> steps = thresholds(scores, positive);
  if (steps.empty()) return std::nullopt;
  const std::int64_t negatives = steps.back().negatives;
  std::int64_t best = 0;
  for (const Threshold& step : steps)
    if (static_cast<double>(negatives - step.negatives) >= specificity * static_cast<double>(negatives))
      best = step.positives;
  return static_cast<double>(best) / static_cast<double>(steps.back().positives);
}

} // namespace tailor::runtime
