#include "runtime/artifact/stage_options.h"

#include "runtime/base/status.h"

namespace tailor::runtime {
namespace {
constexpr std::string_view kPrefix = "stage.";
} // namespace

std::string stage_key(std::string_view stage, std::string_view key) {
  return concat(kPrefix, stage, ".", key);
}

Options options_of_stage(const Options& program, std::string_view stage) {
  const std::string own = stage_key(stage, "");
  Options options, overrides;
  for (const auto& [key, option] : program) {
    if (key.starts_with(own))
      overrides.set(key.substr(own.size()), option);
    else if (!key.starts_with(kPrefix))
      options.set(key, option);
  }
  options.merge(overrides);
  return options;
}

Status check_some_stage_reads(const std::vector<std::string>& stages, const Options& options,
                              const std::string& key, const std::string& text) {
  std::string own;
  for (const std::string& stage : stages) {
    const std::string long_key = stage_key(stage, key);
    if (!options.contains(long_key)) return {};
    own += concat(own.empty() ? "" : " ", "--set ", long_key, "=", text);
  }
  if (own.empty()) return {};
  return invalid_argument("--set ", key, "=", text, ": every stage has a '", key, "' of its own")
      .with_hint(own);
}

} // namespace tailor::runtime
