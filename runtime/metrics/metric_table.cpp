#include "runtime/metrics/metric_table.h"

#include <algorithm>
#include <charconv>

namespace tailor::runtime {
namespace {

constexpr std::string_view kArgument = "(x)";

/// "recall_at_precision" of "recall_at_precision(x)"; the name itself of a metric without argument.
std::string_view stem(std::string_view name) {
  return name.substr(0, name.find('('));
}

const MetricSpec* find_stem(std::string_view text) {
  const auto found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                  [&](const MetricSpec& metric) { return stem(metric.name) == text; });
  return found == std::end(kMetrics) ? nullptr : &*found;
}

Status unknown(std::string_view name) {
  std::string all;
  for (const MetricSpec& metric : kMetrics)
    all += concat(all.empty() ? "" : ", ", metric.name);
  for (const std::string_view family : kMetricFamilies)
    all += concat(", ", family);
  return invalid_argument("unknown metric '", name, "'").with_hint(concat("one of ", all));
}

} // namespace

Result<MetricRequest> parse_metric(std::string_view name) {
  const MetricSpec* spec = find_stem(stem(name));
  if (!spec) return unknown(name);
  MetricRequest request{spec, 0, std::string(name)};
  if (!spec->name.ends_with(kArgument)) {
    if (name != spec->name)
      return invalid_argument("metric '", name, "': ", spec->name, " takes no argument");
    return request;
  }
  const std::string_view rest = name.substr(stem(name).size());
  if (rest.size() > 2 && rest.ends_with(')')) {
    const char* const end = rest.data() + rest.size() - 1;
    const auto [stop, error] = std::from_chars(rest.data() + 1, end, request.argument);
    if (error == std::errc() && stop == end && request.argument > 0 && request.argument <= 1) return request;
  }
  return invalid_argument("metric '", name, "', expected ", spec->name, " with x in (0, 1]");
}

bool is_metric_family(std::string_view name) {
  return std::find(std::begin(kMetricFamilies), std::end(kMetricFamilies), name) != std::end(kMetricFamilies);
}

std::vector<std::string> metric_names(std::int32_t num_classes) {
  std::vector<std::string> names;
  for (const MetricSpec& metric : kMetrics)
    if (!metric.on_request && (!metric.two_classes || num_classes == 2)) names.emplace_back(metric.name);
  return names;
}

bool higher_is_better(std::string_view name) {
  for (const std::string_view split : {"val/", "test/"})
    if (name.starts_with(split)) name.remove_prefix(split.size());
  const MetricSpec* spec = find_stem(stem(name));
  return !spec || spec->higher_is_better;
}

} // namespace tailor::runtime
