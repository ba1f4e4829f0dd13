// The recipe that `tailor init` writes: what was found, what is suggested, and why.
#include "runtime/data/describe.h"

#include "runtime/data/alignment.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace tailor::runtime {
namespace {

/// Below this ratio accuracy says little: always naming the larger class has 83 % of it.
constexpr double kImbalanced = 0.2;
/// With fewer positives (rows of the rarest class) in validation one row moves the watched metric by a tenth
/// or more, which is what methods and epochs differ by.
constexpr std::int64_t kFewWatched = 10;
/// A run has at least so many steps, and goes on for at least so many without a better epoch: adamw at 0.001
/// needs them whatever the size of the table. Glass (214 rows, 3 steps an epoch) came to test accuracy 0.32 in 60
/// epochs with patience 8 and to 0.62 with these, as a logistic regression does. A table of 10 steps an epoch or
/// more (from about 900 rows on) has them already.
constexpr std::int64_t kMinSteps = 500, kMinPatientSteps = 80;

/// What `tailor compare` found on public tables (docs/choosing-a-method.md).
constexpr const char* kMethodAdvice =
    "# Others, by what they are known to trade; `tailor compare` measures it on this table:\n"
    "#   \"weighted\", \"logit-adjustment\", data.sampler = \"class_balanced\": more recall of rare classes, "
    "at\n"
    "#     a cost in accuracy and macro F1\n"
    "#   \"smoothing\", \"sam-a\": on five public tables not told apart from erm in recall of rare classes;\n"
    "#     smoothing gave probabilities that were off by more on one of them\n";

/// A TOML basic string.
std::string toml(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(byte));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

/// Text for a comment: one line, whatever the cells hold.
std::string comment(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '.';
  return text;
}

/// The name of a column, or its position where it has none of its own.
std::string column_name(const DataDescription& d, std::int32_t position) {
  const ColumnProfile& column = d.profile.columns[static_cast<std::size_t>(position)];
  const bool own = d.schema.named && !column.shares_name && column.name != positional_name(position);
  return own ? toml(column.name) : concat(position);
}

std::string line(const std::string& setting, const std::string& reason) {
  constexpr std::size_t kColumn = 44;
  std::string text = setting;
  text.append(text.size() < kColumn ? kColumn - text.size() : 1, ' ');
  return concat(text, "# ", comment(reason), "\n");
}

std::vector<std::int32_t> columns_with(const DataDescription& d, ColumnRole role) {
  std::vector<std::int32_t> positions;
  for (const Column& column : d.schema.columns)
    if (column.role == role) positions.push_back(column.position);
  return positions;
}

/// `key = [` one column a line with its reason `]`; nothing for no column.
std::string column_list(const DataDescription& d, const char* key, ColumnRole role) {
  const std::vector<std::int32_t> positions = columns_with(d, role);
  if (positions.empty()) return "";
  std::string text = concat("columns.", key, " = [\n");
  for (const std::int32_t position : positions)
    text += line(concat("  ", column_name(d, position), ","),
                 d.reasons.columns[static_cast<std::size_t>(position)]);
  return text + "]\n";
}

/// `key = column` with its reason; nothing where no column has the role.
std::string one_column(const DataDescription& d, const char* key, ColumnRole role) {
  const std::vector<std::int32_t> positions = columns_with(d, role);
  if (positions.empty()) return "";
  return line(concat("columns.", key, " = ", column_name(d, positions[0])),
              d.reasons.columns[static_cast<std::size_t>(positions[0])]);
}

/// methods.md 11.1: 64 / 16 / 20, and 80 / 20 inside the training table where the test table is another.
SplitSpec split_shares(bool has_test_table) {
  SplitSpec shares;
  if (has_test_table) shares.test = 0, shares.val = SplitKeys::kValShareBesideTestFile;
  return shares;
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts)
    list += (list.empty() ? "" : ", ") + toml(text);
  return "[" + list + "]";
}

/// How numbers and missing values are written, where that is not as usual.
std::string format_lines(const DataDescription& d) {
  const CellFormat& cells = d.plan.cells;
  const std::string doubt = d.format.ambiguity.empty() ? "" : "AMBIGUOUS: " + d.format.ambiguity;
  const auto [decimal, thousands] = cells.number;
  std::string text;
  if (decimal != '.') text += line(concat("decimal = \"", decimal, "\""), d.format.number_reason);
  if (thousands != 0) text += line(concat("thousands = \"", thousands, "\""), d.format.number_reason);
  if (!doubt.empty()) text += concat("# ", comment(doubt), "\n");
  if (!cells.signs.empty()) text += line("number_signs = " + list_of(cells.signs), d.format.signs_reason);
  if (cells.missing != default_missing_markers())
    text += line("missing_markers = " + list_of(cells.missing), d.format.markers_reason);
  return text;
}

std::string data_section(const DataDescription& d, const std::string& path,
                         const std::optional<TestTable>& test, const SplitChoice& split) {
  std::string text =
      concat("[data]\n", line(concat("train = ", toml(path)), concat(d.profile.num_rows, " rows")));
  if (test) text += line(concat("test = ", toml(test->path)), test->reason);
  text += line(concat("header = ", d.profile.has_header ? "\"yes\"" : "\"no\""), d.profile.header_reason);
  const std::string separator = d.profile.separator == '\t' ? "tab" : std::string(1, d.profile.separator);
  text += line(concat("separator = ", toml(separator)), d.profile.separator_reason);
  text += format_lines(d);
  const std::int32_t label = columns_with(d, ColumnRole::kLabel).at(0);
  text += line(concat("label.column = ", column_name(d, label)),
               concat(d.reasons.label, "; ", d.schema.num_classes, " classes"));
  if (d.schema.positive_class >= 0)
    text += line(concat("label.positive = ",
                        toml(d.schema.class_names[static_cast<std::size_t>(d.schema.positive_class)])),
                 d.reasons.classes);
  const std::string strip = test && !test->label_strip.empty() ? test->label_strip : d.plan.label_strip;
  if (!strip.empty())
    text +=
        line(concat("label.strip = ", toml(strip)),
             test && !test->label_strip.empty() ? "ends every label of the test table" : "ends every label");
  text += column_list(d, "drop", ColumnRole::kDrop);
  text += one_column(d, "id", ColumnRole::kId);
  text += one_column(d, "time", ColumnRole::kTime);
  for (const Column& column : d.schema.columns)
    if (column.orders_rows)
      text += line(concat("columns.time = ", column_name(d, column.position)), "the rows are in its order");
  text += one_column(d, "group", ColumnRole::kGroup);
  text += column_list(d, "date", ColumnRole::kDate);
  if (!columns_with(d, ColumnRole::kDate).empty()) {
    std::string words;
    for (int i = 0; i < kNumDateFeatures; ++i)
      if (d.plan.date_features & bit(static_cast<DateFeature>(i)))
        words += concat(words.empty() ? "\"" : ", \"", to_string(static_cast<DateFeature>(i)), "\"");
    text +=
        line(concat("date_features = [", words, "]"), "also year, day; all but elapsed and year as circles");
  }
  text += column_list(d, "categorical", ColumnRole::kCategorical);
  text += column_list(d, "numeric", ColumnRole::kNumeric);

  std::int64_t missing = 0;
  for (const ColumnRole role : {ColumnRole::kNumeric, ColumnRole::kDate})
    for (const std::int32_t position : columns_with(d, role))
      missing += d.profile.columns[static_cast<std::size_t>(position)].num_missing;
  if (d.schema.num_numeric() > 0)
    text += missing > 0
                ? line("missing = \"flag\"",
                       concat(missing, " cells have no value: training mean, and a column that says so"))
                : line("missing = \"mean\"",
                       "none is missing here; tables to predict may have such cells: training mean");
  if (d.schema.num_numeric() > 0)
    text +=
        d.profile.num_rows >= 1000
            ? line("numeric = \"quantile\"", "enough rows for quantiles; indifferent to outliers and skew")
            : line("numeric = \"standard\"", concat(d.profile.num_rows, " rows are few for quantiles"));
  const SplitSpec shares = split_shares(test.has_value());
  const std::string by = split.by == SplitBy::kTime    ? "by = \"time\", "
                         : split.by == SplitBy::kGroup ? "by = \"group\", "
                                                       : "";
  text += line(concat("split = { ", by, "val = ", shares.val, test ? "" : concat(", test = ", shares.test),
                      split.by == SplitBy::kTime ? "" : ", seed = 0", " }"),
               concat(split.reason, test ? "; the test table is a file of its own" : ""));
  return text;
}

std::string training_sections(const DataDescription& d, const SplitChoice& split) {
  const double r = imbalance_ratio(d.class_counts);
  const bool binary = d.schema.num_classes == 2, large = d.profile.num_rows >= 10000;
  const WatchedMetric watched = suggest_watched_metric(d, split);
  std::string text = "\n[model]\nname = \"mlp\"\n";
  text += d.profile.num_rows >= 2000
              ? line("layers = [256, 256]", concat(d.profile.num_rows, " rows carry a wide network"))
              : line("layers = [64, 64]", concat(d.profile.num_rows, " rows: a small network"));
  text += line("dropout = 0.1", "a little, against overfitting");
  text += "\n[method]\n";
  text += line("use = [\"erm\"]", concat(format_ratio(r), "; plain training is what others have to beat"));
  text += kMethodAdvice;
  text += "\n[optimizer]\n";
  text += line("name = \"adamw\"", "robust to the scale of table data");
  text += line("lr = 0.001", "usual for adamw") + line("weight_decay = 0.0001", "light");
  text += "\n[schedule]\nname = \"warmup_cosine\"\nwarmup_epochs = 1\n";
  text += "\n[run]\n";
  const std::int64_t batch = large ? 256 : 64;
  text += line(concat("batch = ", batch),
               large ? concat(d.profile.num_rows, " rows") : "small batches suit rare classes");
  text += line("eval_batch = 512", "only a matter of speed");
  const std::int64_t val_rows =
      std::accumulate(split.counts.val.begin(), split.counts.val.end(), std::int64_t{0});
  const std::int64_t test_rows =
      std::accumulate(split.counts.test.begin(), split.counts.test.end(), std::int64_t{0});
  const std::int64_t steps =
      std::max<std::int64_t>(1, (d.profile.num_rows - val_rows - test_rows + batch - 1) / batch);
  const auto epochs_of = [&](std::int64_t num_steps) { return (num_steps + steps - 1) / steps; };
  text +=
      line(concat("epochs = ", std::max<std::int64_t>(large ? 20 : 60, epochs_of(kMinSteps))),
           concat(steps, steps == 1 ? " step" : " steps", " an epoch; ",
                  watched.name.empty() ? "no early stop: nothing to watch" : "with early stopping below"));
  if (!watched.warning.empty()) text += concat("# NOTE: ", comment(watched.warning), "\n");
  if (!watched.name.empty()) {
    text += line(concat("early_stop = { on = \"", watched.name,
                        "\", patience = ", std::max<std::int64_t>(8, epochs_of(kMinPatientSteps)), " }"),
                 "never on the test split");
    text += line(concat("keep = { best = \"", watched.name, "\" }"), watched.reason);
  }
  text += line("seeds = 1", "5 gives a standard error");
  text += "\n[eval]\n";
  text += binary ? line("metrics = [\"accuracy\", \"balanced_accuracy\", \"auc\", \"average_precision\"]",
                        "two classes")
                 : line("metrics = [\"accuracy\", \"balanced_accuracy\", \"minority\", \"majority\"]",
                        "more than two classes");
  return text;
}

} // namespace

SplitChoice suggest_split(const DataDescription& d, bool has_test_table) {
  return choose_split(d.rows, split_shares(has_test_table), d.schema.class_names);
}

WatchedMetric suggest_watched_metric(const DataDescription& d, const SplitChoice& split) {
  const std::vector<std::int64_t>& val = split.counts.val;
  const std::int64_t rows = std::accumulate(val.begin(), val.end(), std::int64_t{0});
  if (rows == 0)
    return {
        "", "",
        concat("validation holds no row of these ", d.profile.num_rows, ": no epoch can be chosen by it")};
  const auto rarest = static_cast<std::size_t>(std::min_element(val.begin(), val.end()) - val.begin());
  const auto absent = std::count(val.begin(), val.end(), 0);
  const bool binary = d.schema.num_classes == 2;
  const std::string name =
      binary && d.schema.positive_class == static_cast<std::int32_t>(rarest)
          ? concat(val[rarest] == 1 ? "positive" : "positives", " ('", d.schema.class_names[rarest], "')")
          : concat(val[rarest] == 1 ? "row" : "rows", " of class '", d.schema.class_names[rarest], "'");
  if (binary ? absent > 0 : absent + 1 >= std::ssize(val))
    return {"val/loss", "a metric of both classes does not exist there",
            concat("validation holds no ", name, " (", d.class_counts[rarest],
                   " in the table): neither early stopping "
                   "nor the numbers of a run can tell whether the class is learnt")};
  WatchedMetric watched;
  if (!binary)
    watched = {"val/balanced_accuracy", "all classes count the same", ""};
  else if (imbalance_ratio(d.class_counts) < kImbalanced)
    watched = {"val/average_precision", "accuracy says little when one class is rare", ""};
  else
    watched = {"val/accuracy", "classes of comparable size", ""};
  if (absent > 0)
    watched.warning =
        concat("validation holds no row of ", absent, " of ", val.size(), " classes, among them ",
               in_quotes(d.schema.class_names[rarest]), ": nothing there tells whether they are learnt");
  else if (val[rarest] < kFewWatched)
    watched.warning = concat("validation holds ", val[rarest], " ", name, ": differences of ", watched.name,
                             " between epochs or methods are mostly chance; ", key_name(&SplitKeys::val),
                             " = 0.3 or more rows help");
  return watched;
}

std::string format_decisions(const DataDescription& d, const std::optional<TestTable>& test) {
  /// More columns of a kind than this are counted, the recipe lists them all.
  constexpr std::size_t kShown = 12;
  std::vector<std::vector<std::string>> rows;
  const auto add_role = [&](const char* title, ColumnRole role) {
    const std::vector<std::int32_t> positions = columns_with(d, role);
    for (std::size_t i = 0; i < positions.size() && i < kShown; ++i)
      rows.push_back({i == 0 ? title : "", d.schema.columns[static_cast<std::size_t>(positions[i])].name,
                      d.reasons.columns[static_cast<std::size_t>(positions[i])]});
    if (positions.size() > kShown)
      rows.push_back({"", "...", concat(positions.size() - kShown, " more, see the recipe")});
  };
  add_role("label", ColumnRole::kLabel);
  add_role("id", ColumnRole::kId);
  add_role("time", ColumnRole::kTime);
  for (const Column& column : d.schema.columns)
    if (column.orders_rows) rows.push_back({"time", column.name, "the rows are in its order"});
  add_role("date", ColumnRole::kDate);
  add_role("group", ColumnRole::kGroup);
  add_role("left out", ColumnRole::kDrop);
  rows.push_back({"features", concat(d.schema.num_numeric() + d.schema.num_category()),
                  concat(d.schema.num_numeric(), " numeric, ", d.schema.num_category(), " categorical")});
  const SplitChoice split = suggest_split(d, test.has_value());
  constexpr const char* kNames[] = {"stratified", "by group", "by time"};
  rows.push_back({"split", kNames[static_cast<std::size_t>(split.by)], split.reason});
  const WatchedMetric watched = suggest_watched_metric(d, split);
  if (!watched.name.empty()) rows.push_back({"watched", watched.name, watched.reason});
  std::string text = aligned(rows, {false, false, false});
  for (const std::string& note : d.notes)
    text += concat("note: ", note, "\n");
  if (!watched.warning.empty()) text += concat("note: ", watched.warning, "\n");
  return text;
}

std::string suggest_recipe(const DataDescription& d, const std::string& path,
                           const std::optional<TestTable>& test) {
  std::string text =
      concat("# ", comment(path), ": ", d.profile.num_rows, " rows, ", d.schema.num_numeric(),
             " numeric and ", d.schema.num_category(), " categorical features, ", d.schema.num_classes,
             " classes, ", format_ratio(imbalance_ratio(d.class_counts)), "\n",
             "# Written by `tailor init`. Every line is a suggestion; the comment says why. All keys: "
             "`tailor recipe --describe`.\n");
  for (const std::string& note : d.notes)
    text += concat("# ATTENTION: ", comment(note), "\n");
  const SplitChoice split = suggest_split(d, test.has_value());
  return concat(text, "\n", data_section(d, path, test, split), training_sections(d, split));
}

} // namespace tailor::runtime
