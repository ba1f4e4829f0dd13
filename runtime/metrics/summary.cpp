#include "runtime/metrics/summary.h"

#include "runtime/metrics/student_t.h"

#include <cassert>
#include <cmath>
#include <cstdio>
#include <vector>

namespace tailor::runtime {

SeedSummary summarise(std::span<const double> values) {
  SeedSummary summary;
  summary.num_seeds = std::ssize(values);
  if (values.empty()) return summary;
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values)
    sum += value;
  summary.mean = sum / count;
  for (const double value : values)
    squares += (value - summary.mean) * (value - summary.mean);
  if (values.size() > 1) summary.standard_error = std::sqrt(squares / (count - 1)) / std::sqrt(count);
  return summary;
}

std::string metric_text(std::optional<double> value) {
  if (!value) return "absent";
  // Metrics and losses have a few digits before the point; what has more is shorter with an exponent, and a loss of 3e-5 is
  // not 0.0000.
  constexpr double kLarge = 1e7, kSmall = 1e-3;
  const double size = std::fabs(*value);
  char text[32];
  std::snprintf(text, sizeof text,
                size >= kLarge               ? "%.4e"
                : size != 0 && size < kSmall ? "%.3g"
                                             : "%.4f",
                *value);
  return text;
}

std::string to_string(const SeedSummary& summary) {
  if (summary.num_seeds == 0) return metric_text(std::nullopt);
  const std::string mean = metric_text(summary.mean);
  if (!summary.standard_error) return mean + " (1 seed)";
  return mean + " +- " + metric_text(*summary.standard_error) + " (" + std::to_string(summary.num_seeds) +
         " seeds)";
}

PairedDifference paired_difference(std::span<const double> a, std::span<const double> b, double confidence,
                                   double resampling) {
  assert(a.size() == b.size());
  std::vector<double> differences;
  for (std::size_t s = 0; s < a.size(); ++s)
    differences.push_back(b[s] - a[s]);
  const SeedSummary summary = summarise(differences);
  PairedDifference result{summary.num_seeds, summary.mean, summary.standard_error, std::nullopt};
  if (result.num_pairs < kFewestPairs) return result;
  const auto pairs = static_cast<double>(result.num_pairs);
  const double deviation = *result.standard_error * std::sqrt(pairs);
  result.half_width =
      student_t_quantile(1 - (1 - confidence) / 2, pairs - 1) * deviation * std::sqrt(1 / pairs + resampling);
  return result;
}

} // namespace tailor::runtime
