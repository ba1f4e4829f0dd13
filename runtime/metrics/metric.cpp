#include "runtime/metrics/metric.h"

#include "runtime/base/wording.h"
#include "runtime/options/eval_keys.h"

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
  for (const auto& [name, spec] : Registry<MetricSpec>::specs())
    if (stem(name) == text) return &spec;
  return nullptr;
}

Status unknown(std::string_view name) {
  std::vector<std::string> all;
  for (const MetricSpec* metric : metric_specs())
    all.push_back(metric->name);
  for (const std::string& family : key_spec(&EvalKeys::metrics).choices)
    all.push_back(family);
  return invalid_argument("unknown metric '", name, "'").with_hint(concat("one of ", listed(all)));
}

} // namespace

std::optional<double> EvaluatedSplit::mean(double sum) const {
  const std::int64_t rows = confusion.num_rows();
  return rows > 0 ? std::optional(sum / static_cast<double>(rows)) : std::nullopt;
}

std::vector<const MetricSpec*> metric_specs() {
  std::vector<const MetricSpec*> specs;
  for (const auto& [name, spec] : Registry<MetricSpec>::specs())
    specs.push_back(&spec);
  std::stable_sort(specs.begin(), specs.end(),
                   [](const MetricSpec* a, const MetricSpec* b) { return a->rank < b->rank; });
  return specs;
}

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
  const std::vector<std::string>& families = key_spec(&EvalKeys::metrics).choices;
  return std::find(families.begin(), families.end(), name) != families.end();
}

std::vector<std::string> metric_names(std::int32_t num_classes) {
  std::vector<std::string> names;
  for (const MetricSpec* metric : metric_specs())
    if (!metric->on_request && (!metric->two_classes || num_classes == 2)) names.push_back(metric->name);
  return names;
}

bool higher_is_better(std::string_view name) {
  for (const std::string_view split : {"val/", "test/"})
    if (name.starts_with(split)) name.remove_prefix(split.size());
  const MetricSpec* spec = find_stem(stem(name));
  return !spec || spec->higher_is_better;
}

bool follows_size_groups(std::string_view name) {
  const MetricSpec* spec = find_stem(stem(name));
  return spec && spec->of_size_groups;
}

} // namespace tailor::runtime
