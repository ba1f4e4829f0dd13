#pragma once
#include <string>
#include <string_view>

namespace tailor::runtime {

/// The entry of kind batchnorm_recompute that makes the running statistics of evaluation `eval`.
inline std::string statistics_entry_name(const std::string& eval) {
  return eval + "_batchnorm";
}

/// The report of a step that says of which share of its rows report `name` is: it weighs the step in train/<name> and is
/// not logged itself.
inline constexpr std::string_view kCountEnding = ".counted";
inline std::string count_report_name(const std::string& name) {
  return name + std::string(kCountEnding);
}
inline bool is_count_report(std::string_view name) {
  return name.ends_with(kCountEnding);
}

} // namespace tailor::runtime
