#include "runtime/metrics/summary.h"

#include <cmath>
#include <cstdio>

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

std::string to_string(const SeedSummary& summary) {
  if (summary.num_seeds == 0) return "absent";
  char text[96];
  if (summary.standard_error)
    std::snprintf(text, sizeof text, "%.4f +- %.4f (%lld seeds)", summary.mean, *summary.standard_error,
                  static_cast<long long>(summary.num_seeds));
  else
    std::snprintf(text, sizeof text, "%.4f (1 seed)", summary.mean);
  return text;
}

} // namespace tailor::runtime
