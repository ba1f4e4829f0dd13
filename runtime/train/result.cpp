#include "runtime/train/run.h"

#include <algorithm>
#include <cstdio>

namespace tailor::runtime {
namespace {

OptionValue json_of(const MetricValues& metrics) {
  OptionValue::Table table;
  for (const auto& [name, value] : metrics)
    table.emplace_back(name, json_number(value));
  return OptionValue(std::move(table));
}

/// The line `name` is in the table: by eval.metrics, or, without it, unless it is of one class (result.json
/// has those).
bool is_shown(const RunResult& result, const std::string& name) {
  const bool per_class = name.find('/') != std::string::npos;
  if (result.shown.empty()) return !per_class;
  const bool size_group = name == "few" || name == "med" || name == "many";
  return std::any_of(result.shown.begin(), result.shown.end(), [&](const std::string& shown) {
    return shown == name || (shown == "per_class" && per_class) || (shown == "few_med_many" && size_group);
  });
}

/// Names in the order of the table: those of val, then what only test has.
std::vector<std::string> table_rows(const RunResult& result) {
  std::vector<std::string> rows;
  for (const MetricSummary& metric : result.metrics) {
    const std::string name = metric.name.substr(metric.name.find('/') + 1);
    if (is_shown(result, name) && std::find(rows.begin(), rows.end(), name) == rows.end())
      rows.push_back(name);
  }
  return rows;
}

std::string cell(const RunResult& result, const std::string& name) {
  for (const MetricSummary& metric : result.metrics)
    if (metric.name == name) return metric.summary.num_seeds > 0 ? to_string(metric.summary) : "absent";
  return "";
}

/// "few (3 classes)" for a class group, else the metric's name.
std::string label(const RunResult& result, const std::string& row) {
  for (const auto& [name, size] : result.groups)
    if (name == row) return concat(name, " (", size, size == 1 ? " class)" : " classes)");
  return row;
}

} // namespace

std::string result_to_json(const RunResult& result) {
  OptionValue::List seeds, counts, val_counts, names;
  for (const SeedResult& seed : result.seeds) {
    const bool selected = !seed.selected_on.empty();
    seeds.emplace_back(
        OptionValue::Table{{"seed", OptionValue(static_cast<std::int64_t>(seed.seed))},
                           {"outcome", OptionValue(seed.outcome)},
                           {"reason", OptionValue(seed.reason)},
                           {"epochs", OptionValue(seed.epochs)},
                           {"steps", OptionValue(seed.steps)},
                           {"reported_epoch", OptionValue(seed.reported_epoch + 1)},
                           {"selected_on", selected ? OptionValue(seed.selected_on) : OptionValue()},
                           {"selected_value", selected ? json_number(seed.selected_value) : OptionValue()},
                           {"train_loss", json_number(seed.train_loss)},
                           {"ms_per_step", json_number(seed.ms_per_step)},
                           {"val", json_of(seed.val)},
                           {"test", json_of(seed.test)},
                           {"last", OptionValue(OptionValue::Table{{"epoch", OptionValue(seed.epochs)},
                                                                   {"val", json_of(seed.last_val)},
                                                                   {"test", json_of(seed.last_test)}})}});
  }
  for (const std::int64_t count : result.class_counts)
    counts.emplace_back(count);
  for (const std::int64_t count : result.val_class_counts)
    val_counts.emplace_back(count);
  for (const std::string& name : result.class_names)
    names.emplace_back(name);
  OptionValue::Table groups;
  for (const auto& [name, size] : result.groups)
    groups.emplace_back(name, OptionValue(size));
  OptionValue::Table metrics;
  for (const MetricSummary& metric : result.metrics)
    metrics.emplace_back(
        metric.name,
        OptionValue(OptionValue::Table{
            {"mean", metric.summary.num_seeds > 0 ? json_number(metric.summary.mean) : OptionValue()},
            {"standard_error", json_number(metric.summary.standard_error)},
            {"seeds", OptionValue(metric.summary.num_seeds)}}));
  return OptionValue(OptionValue::Table{
                         {"class_names", OptionValue(std::move(names))},
                         {"class_counts", OptionValue(std::move(counts))},
                         {"val_class_counts", OptionValue(std::move(val_counts))},
                         {"groups", OptionValue(std::move(groups))},
                         {"r", json_number(result.imbalance_ratio())},
                         {"rows", OptionValue(OptionValue::Table{{"train", OptionValue(result.train_rows)},
                                                                 {"val", OptionValue(result.val_rows)},
                                                                 {"test", OptionValue(result.test_rows)}})},
                         {"metrics", OptionValue(std::move(metrics))},
                         {"seeds", OptionValue(std::move(seeds))}})
             .to_json() +
         "\n";
}

std::string outcome_lines(const RunResult& result) {
  std::string text;
  for (const SeedResult& seed : result.seeds)
    text += concat("seed ", seed.seed, "  ", seed.reason, "\n");
  return text;
}

namespace {

/// Which weights the figures of the table are of, over the seeds that ended.
std::string table_title(const RunResult& result) {
  const SeedResult* first = nullptr;
  bool same = true;
  for (const SeedResult& seed : result.seeds) {
    if (seed.outcome == "stopped") continue;
    if (!first) first = &seed;
    same = same && seed.selected_on == first->selected_on;
  }
  if (!first) return "";
  if (!same) return "metrics of the best epoch, or of the last where no epoch is the best:";
  if (first->selected_on.empty()) return "metrics of the last epoch:";
  return concat("metrics of the best epoch by ", first->selected_on, ":");
}

} // namespace

std::string result_table(const RunResult& result) {
  const std::vector<std::string> rows = table_rows(result);
  std::size_t name_width = 6, val_width = 3;
  const bool has_val = std::any_of(
      rows.begin(), rows.end(), [&](const std::string& row) { return !cell(result, "val/" + row).empty(); });
  for (const std::string& row : rows) {
    name_width = std::max(name_width, label(result, row).size());
    val_width = std::max(val_width, cell(result, "val/" + row).size());
  }
  std::string table;
  const auto line = [&](const std::string& name, const std::string& val, const std::string& test) {
    std::string text = name + std::string(name_width + 2 - name.size(), ' ');
    if (has_val) text += val + std::string(val_width + 2 - std::min(val.size(), val_width + 2), ' ');
    text += test;
    while (!text.empty() && text.back() == ' ')
      text.pop_back();
    table += text + '\n';
  };
  if (!rows.empty()) {
    if (const std::string title = table_title(result); !title.empty()) table += title + "\n";
    line("", "val", "test");
  }
  for (const std::string& row : rows)
    line(label(result, row), cell(result, "val/" + row), cell(result, "test/" + row));
  double ms = 0;
  for (const SeedResult& seed : result.seeds)
    ms += seed.ms_per_step / static_cast<double>(result.seeds.size());
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%.4g ms per step", ms);
  return table + buffer + "\n";
}

} // namespace tailor::runtime
