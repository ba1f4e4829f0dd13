#include "tools/experiment/comparison_text.h"

#include "runtime/base/options.h"
#include "runtime/data/long_tail.h"
#include "runtime/train/evaluation_json.h"

#include <algorithm>
#include <cstdio>

namespace tailor::experiment {
namespace {

using runtime::concat;
using runtime::json_number;
using runtime::OptionValue;

template <class... Values> std::string format(const char* pattern, Values... values) {
  char text[96];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

/// "+1.5", "-0.2"; what rounds to nothing has no sign.
std::string signed_points(double value) {
  const std::string text = format("%+.1f", 100 * value);
  return text == "-0.0" || text == "+0.0" ? "0.0" : text;
}

std::string mean_text(const Cell& cell) {
  if (cell.summary.num_seeds == 0) return "absent";
  const std::string mean = format("%.1f", 100 * cell.summary.mean);
  return cell.summary.standard_error ? mean + format(" +-%.1f", 100 * *cell.summary.standard_error) : mean;
}

std::string difference_text(const Cell& cell) {
  if (!cell.difference || cell.difference->num_pairs == 0) return "";
  const std::string mean = signed_points(cell.difference->mean);
  return cell.difference->half_width ? mean + format(" +-%.1f", 100 * *cell.difference->half_width) : mean;
}

const char* mark(const Cell& cell) {
  return cell.verdict == Verdict::kBetter ? "^" : cell.verdict == Verdict::kWorse ? "v" : "";
}

/// A grid of words, every column as wide as its widest word; the first to the left, the rest to the right with
/// one place behind for a mark.
class TextTable {
public:
  void add(std::vector<std::string> words, std::vector<std::string> marks = {}) {
    marks.resize(words.size());
    lines_.emplace_back(std::move(words), std::move(marks));
  }
  std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& [words, marks] : lines_) {
      widths.resize(std::max(widths.size(), words.size()), 0);
      for (std::size_t i = 0; i < words.size(); ++i)
        widths[i] = std::max(widths[i], words[i].size());
    }
    std::string all;
    for (const auto& [words, marks] : lines_) {
      std::string line;
      for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string pad(widths[i] - words[i].size(), ' ');
        line += i == 0 ? words[i] + pad : "  " + pad + words[i] + (marks[i].empty() ? " " : marks[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      all += line + "\n";
    }
    return all;
  }

private:
  std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> lines_;
};

std::vector<std::string> header(const Comparison& comparison, bool with_time) {
  std::vector<std::string> words = {"method"};
  for (const Column& column : comparison.columns)
    words.push_back(column.title);
  if (with_time) words.emplace_back("ms/step");
  return words;
}

std::string baseline_name(const Comparison& comparison) {
  return comparison.baseline < comparison.rows.size() ? comparison.rows[comparison.baseline].name : "";
}

std::size_t num_seeds(const Comparison& comparison) {
  std::size_t seeds = 0;
  for (const Row& row : comparison.rows)
    seeds = std::max(seeds, row.seeds.size());
  return seeds;
}

std::string seeds_text(const Comparison& comparison) {
  const std::size_t seeds = num_seeds(comparison);
  return seeds == 1 ? "1 seed" : concat("mean +- standard error over ", seeds, " seeds");
}

std::string data_line(const Comparison& comparison) {
  return concat("data: train ", comparison.train_rows, ", validation ", comparison.val_rows, ", test ",
                comparison.test_rows, " rows; ", comparison.class_names.size(), " classes, ",
                runtime::format_ratio(comparison.imbalance_ratio));
}

/// What stands under each method, and how a claim comes about.
std::string legend(const Comparison& comparison, const char* better, const char* worse, const char* best) {
  const std::string base = baseline_name(comparison);
  if (base.empty() || comparison.rows.size() < 2) return "";
  const std::string text = concat("Under each method its difference to ", base, ", seed by seed");
  if (static_cast<std::int64_t>(num_seeds(comparison)) < runtime::kFewestPairs) return text + ".\n";
  return concat(
      text, format(" +- half its %.0f%% interval;\n", 100 * comparison.confidence), better, ", ", worse,
      ": the interval does not hold 0; ", best, " best of all by such intervals.\nThey are t-intervals for ",
      comparison.rows.size() - 1, comparison.rows.size() == 2 ? " comparison" : " comparisons", " a column",
      comparison.resampling > 0 ? ", widened because training rows of the seeds overlap" : "", ".\n");
}

/// "weighted: better in recall +21.0; worse in accuracy -5.5", one line a method; those that are in nothing told
/// apart in one.
std::vector<std::string> claims(const Comparison& comparison) {
  std::vector<std::string> lines;
  const std::string base = baseline_name(comparison);
  if (base.empty() || static_cast<std::int64_t>(num_seeds(comparison)) < runtime::kFewestPairs) return lines;
  std::string alike;
  for (std::size_t r = 0; r < comparison.rows.size(); ++r) {
    if (r == comparison.baseline) continue;
    const Row& row = comparison.rows[r];
    std::string better, worse;
    for (std::size_t c = 0; c < comparison.columns.size(); ++c) {
      if (row.val[c].verdict == Verdict::kNone) continue;
      std::string& list = row.val[c].verdict == Verdict::kBetter ? better : worse;
      list += concat(list.empty() ? "" : ", ", comparison.columns[c].title, " ",
                     signed_points(row.val[c].difference->mean));
    }
    if (better.empty() && worse.empty())
      alike += concat(alike.empty() ? "" : ", ", row.name);
    else
      lines.push_back(concat(row.name, ": ", better.empty() ? "" : "better in " + better,
                             !better.empty() && !worse.empty() ? "; " : "",
                             worse.empty() ? "" : "worse in " + worse));
  }
  if (!alike.empty()) lines.push_back(concat(alike, ": not told apart from ", base, " in anything"));
  return lines;
}

constexpr const char* kTestTitle = "test, in %, for the report: nothing is chosen or claimed on it";

OptionValue json_of(const Cell& cell) {
  OptionValue::List values;
  for (const std::optional<double>& value : cell.values)
    values.push_back(json_number(value));
  OptionValue::Table table = {
      {"values", OptionValue(std::move(values))},
      {"seeds", OptionValue(cell.summary.num_seeds)},
      {"mean", cell.summary.num_seeds > 0 ? json_number(cell.summary.mean) : OptionValue()},
      {"standard_error", json_number(cell.summary.standard_error)}};
  if (cell.difference) {
    const runtime::PairedDifference& d = *cell.difference;
    table.emplace_back("difference",
                       OptionValue(OptionValue::Table{
                           {"pairs", OptionValue(d.num_pairs)},
                           {"mean", d.num_pairs > 0 ? json_number(d.mean) : OptionValue()},
                           {"standard_error", json_number(d.standard_error)},
                           {"low", d.half_width ? json_number(d.mean - *d.half_width) : OptionValue()},
                           {"high", d.half_width ? json_number(d.mean + *d.half_width) : OptionValue()}}));
    table.emplace_back("verdict", OptionValue(to_string(cell.verdict)));
  }
  table.emplace_back("best", OptionValue(cell.best));
  return OptionValue(std::move(table));
}

OptionValue json_of(const Comparison& comparison, const std::vector<Cell>& cells) {
  OptionValue::Table table;
  for (std::size_t c = 0; c < cells.size(); ++c)
    table.emplace_back(comparison.columns[c].metric, json_of(cells[c]));
  return OptionValue(std::move(table));
}

template <class T> OptionValue json_list(const std::vector<T>& values) {
  OptionValue::List list;
  for (const T& value : values)
    list.emplace_back(value);
  return OptionValue(std::move(list));
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text)
    quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string markdown_row(const std::vector<std::string>& words) {
  std::string line = "|";
  for (const std::string& word : words)
    line += concat(" ", word, " |");
  return line + "\n";
}

std::string markdown_table(const Comparison& comparison, std::vector<Cell> Row::*split, bool with_time) {
  const std::vector<std::string> titles = header(comparison, with_time);
  std::string text = markdown_row(titles) + "|---|";
  for (std::size_t i = 1; i < titles.size(); ++i)
    text += "---:|";
  text += "\n";
  for (const Row& row : comparison.rows) {
    std::vector<std::string> words = {row.name}, differences = {""};
    bool any = false;
    for (const Cell& cell : row.*split) {
      words.push_back(mean_text(cell) + (cell.best ? " \\*" : ""));
      const std::string difference = difference_text(cell);
      const std::string verdict = to_string(cell.verdict);
      differences.push_back(verdict.empty() ? difference : concat("**", difference, "** ", verdict));
      any = any || !difference.empty();
    }
    if (with_time) {
      words.push_back(format("%.4g", row.ms_per_step));
      differences.emplace_back();
    }
    text += markdown_row(words);
    if (any) text += markdown_row(differences);
  }
  return text;
}

} // namespace

std::string to_terminal(const Comparison& comparison) {
  if (comparison.rows.empty()) return "";
  TextTable val, test;
  val.add(header(comparison, true));
  test.add(header(comparison, false));
  for (const Row& row : comparison.rows) {
    std::vector<std::string> words = {row.name}, marks = {""}, below = {""}, below_marks = {""},
                             test_words = {row.name};
    bool any = false;
    for (std::size_t c = 0; c < comparison.columns.size(); ++c) {
      words.push_back(mean_text(row.val[c]));
      marks.emplace_back(row.val[c].best ? "*" : "");
      below.push_back(difference_text(row.val[c]));
      below_marks.emplace_back(mark(row.val[c]));
      test_words.push_back(mean_text(row.test[c]));
      any = any || !below.back().empty();
    }
    words.push_back(format("%.4g", row.ms_per_step));
    val.add(std::move(words), std::move(marks));
    if (any) val.add(std::move(below), std::move(below_marks));
    test.add(std::move(test_words));
  }
  std::string text = concat(data_line(comparison), "\n\nvalidation, in %: ", seeds_text(comparison), "\n",
                            val.text(), legend(comparison, "^ better", "v worse", "*"));
  if (const std::vector<std::string> lines = claims(comparison); !lines.empty()) {
    text += concat("\ntold apart from ", baseline_name(comparison), " on validation (points):\n");
    for (const std::string& line : lines)
      text += concat("  ", line, "\n");
  }
  if (comparison.test_rows > 0) text += concat("\n", kTestTitle, "\n", test.text());
  return text;
}

std::string to_markdown(const Comparison& comparison, const Provenance& provenance) {
  std::string text =
      concat("# Methods compared on `", provenance.recipe, "`\n\n", provenance.date, ", ", provenance.version,
             "\n\n    ", provenance.command, "\n\n", data_line(comparison), "\n");
  if (comparison.rows.empty()) return text;
  text +=
      concat("\n## Validation\n\nIn %: ", seeds_text(comparison), ".\n",
             legend(comparison, "better", "worse", "\\*"), "\n", markdown_table(comparison, &Row::val, true));
  if (const std::vector<std::string> lines = claims(comparison); !lines.empty()) {
    text += concat("\nTold apart from ", baseline_name(comparison), " (points):\n\n");
    for (const std::string& line : lines)
      text += concat("- ", line, "\n");
  }
  if (!comparison.warnings.empty()) {
    text += "\n## Warnings\n\n";
    for (const std::string& warning : comparison.warnings)
      text += concat("- ", warning, "\n");
  }
  if (comparison.test_rows > 0)
    text += concat("\n## Test\n\nIn %, for the report: nothing is chosen or claimed on it.\n\n",
                   markdown_table(comparison, &Row::test, false));
  return text;
}

std::string to_csv(const Comparison& comparison) {
  std::string text = "split,method,metric,seeds,mean,standard_error,difference,difference_standard_error,"
                     "difference_low,difference_high,verdict,best\n";
  const auto number = [](std::optional<double> value) {
    return value ? format("%.17g", *value) : std::string();
  };
  for (const auto& [split, cells] : {std::pair("val", &Row::val), std::pair("test", &Row::test)})
    for (const Row& row : comparison.rows)
      for (std::size_t c = 0; c < comparison.columns.size(); ++c) {
        const Cell& cell = (row.*cells)[c];
        const bool any = cell.summary.num_seeds > 0;
        text += concat(split, ",", csv_cell(row.name), ",", comparison.columns[c].metric, ",",
                       cell.summary.num_seeds, ",", any ? number(cell.summary.mean) : "", ",",
                       number(cell.summary.standard_error), ",");
        if (cell.difference && cell.difference->num_pairs > 0) {
          const runtime::PairedDifference& d = *cell.difference;
          text += concat(number(d.mean), ",", number(d.standard_error), ",",
                         d.half_width ? number(d.mean - *d.half_width) : "", ",",
                         d.half_width ? number(d.mean + *d.half_width) : "", ",");
        } else {
          text += ",,,,";
        }
        text += concat(to_string(cell.verdict), ",", cell.best ? "yes" : "", "\n");
      }
  return text;
}

std::string to_json(const Comparison& comparison, const Provenance& provenance) {
  OptionValue::List methods, columns;
  for (const Row& row : comparison.rows) {
    OptionValue::List seeds;
    for (const std::uint64_t seed : row.seeds)
      seeds.emplace_back(static_cast<std::int64_t>(seed));
    methods.emplace_back(OptionValue::Table{{"name", OptionValue(row.name)},
                                            {"settings", json_list(row.settings)},
                                            {"reused", OptionValue(row.reused)},
                                            {"seeds", OptionValue(std::move(seeds))},
                                            {"ms_per_step", json_number(row.ms_per_step)},
                                            {"val", json_of(comparison, row.val)},
                                            {"test", json_of(comparison, row.test)}});
  }
  for (const Column& column : comparison.columns)
    columns.emplace_back(OptionValue::Table{{"metric", OptionValue(column.metric)},
                                            {"title", OptionValue(column.title)},
                                            {"higher_is_better", OptionValue(column.higher_is_better)}});
  const std::string base = baseline_name(comparison);
  return OptionValue(OptionValue::Table{{"recipe", OptionValue(provenance.recipe)},
                                        {"command", OptionValue(provenance.command)},
                                        {"date", OptionValue(provenance.date)},
                                        {"version", OptionValue(provenance.version)},
                                        {"baseline", base.empty() ? OptionValue() : OptionValue(base)},
                                        {"confidence", OptionValue(comparison.confidence)},
                                        {"resampling", OptionValue(comparison.resampling)},
                                        {"rows", OptionValue(OptionValue::Table{
                                                     {"train", OptionValue(comparison.train_rows)},
                                                     {"val", OptionValue(comparison.val_rows)},
                                                     {"test", OptionValue(comparison.test_rows)}})},
                                        {"class_names", json_list(comparison.class_names)},
                                        {"class_counts", json_list(comparison.class_counts)},
                                        {"val_class_counts", json_list(comparison.val_class_counts)},
                                        {"columns", OptionValue(std::move(columns))},
                                        {"methods", OptionValue(std::move(methods))},
                                        {"warnings", json_list(comparison.warnings)}})
             .to_json() +
         "\n";
}

} // namespace tailor::experiment
