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

/// "0.8512 +- 0.0031 (5 seeds)", "0.8512 (1 seed)", "absent" for none.
std::string to_string(const SeedSummary& summary);

} // namespace tailor::runtime
