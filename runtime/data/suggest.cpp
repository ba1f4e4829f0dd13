// The recipe that `tailor init` writes: what was found, what is suggested, and why.
#include "runtime/data/describe.h"

#include "runtime/data/text.h"

#include <algorithm>
#include <cstdio>

namespace tailor::runtime {
namespace {

/// Below this ratio the suggested methods are those for imbalance.
constexpr double kImbalanced = 0.2;

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

std::string column_name(const DataDescription& d, std::int32_t position) {
  return d.schema.named ? toml(d.schema.columns[static_cast<std::size_t>(position)].name) : concat(position);
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

std::string data_section(const DataDescription& d, const std::string& path,
                         const std::optional<TestTable>& test) {
  std::string text =
      concat("[data]\n", line(concat("train = ", toml(path)), concat(d.profile.num_rows, " rows")));
  if (test) text += line(concat("test = ", toml(test->path)), test->reason);
  text += line(concat("header = ", d.profile.has_header ? "\"yes\"" : "\"no\""), d.profile.header_reason);
  const std::string separator = d.profile.separator == '\t' ? "tab" : std::string(1, d.profile.separator);
  text += line(concat("separator = ", toml(separator)), d.profile.separator_reason);
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
  text += column_list(d, "categorical", ColumnRole::kCategorical);
  text += column_list(d, "numeric", ColumnRole::kNumeric);

  std::int64_t missing = 0;
  for (const std::int32_t position : columns_with(d, ColumnRole::kNumeric))
    missing += d.profile.columns[static_cast<std::size_t>(position)].num_missing;
  if (missing > 0)
    text += line("missing = \"flag\"",
                 concat(missing, " numeric cells have no value: training mean, and a column that says so"));
  if (!columns_with(d, ColumnRole::kNumeric).empty())
    text +=
        d.profile.num_rows >= 1000
            ? line("numeric = \"quantile\"", "enough rows for quantiles; indifferent to outliers and skew")
            : line("numeric = \"standard\"", concat(d.profile.num_rows, " rows are few for quantiles"));
  text += test ? line("split = { val = 0.2, seed = 0 }", "stratified; the test table is a file of its own")
               : line("split = { val = 0.16, test = 0.2, seed = 0 }", "stratified 64 / 16 / 20");
  return text;
}

std::string training_sections(const DataDescription& d) {
  const double r = imbalance_ratio(d.class_counts);
  const bool binary = d.schema.num_classes == 2, imbalanced = r < kImbalanced,
             large = d.profile.num_rows >= 10000;
  const std::string ratio = format_ratio(r);
  const std::string watched = !binary      ? "val/balanced_accuracy"
                              : imbalanced ? "val/average_precision"
                                           : "val/accuracy";
  std::string text = "\n[model]\nname = \"mlp\"\n";
  text += d.profile.num_rows >= 2000
              ? line("layers = [256, 256]", concat(d.profile.num_rows, " rows carry a wide network"))
              : line("layers = [64, 64]", concat(d.profile.num_rows, " rows: a small network"));
  text += line("dropout = 0.1", "a little, against overfitting");
  text += "\n[method]\n";
  if (imbalanced) {
    text += line("use = [\"sam-a\", \"smoothing\"]",
                 concat(ratio, ": flatter minima and soft labels for the rare classes"));
    text += line("sam-a = { rho = 0.05, table = \"inv_max\" }", "ascent weighted towards rare classes");
    text += line("smoothing = { eps = 0.1, profile = \"one_minus_p\" }", "rare classes are smoothed more");
  } else {
    text += line("use = [\"erm\"]", concat(ratio, ": mild, plain training is the base line"));
    text += "# use = [\"sam-a\", \"smoothing\"]             # the next thing to compare with\n";
  }
  text += "\n[optimizer]\n";
  text += line("name = \"adamw\"", "robust to the scale of table data");
  text += line("lr = 0.001", "usual for adamw") + line("weight_decay = 0.0001", "light");
  text += "\n[schedule]\nname = \"warmup_cosine\"\nwarmup_epochs = 1\n";
  text += "\n[run]\n";
  text += large ? line("batch = 256", concat(d.profile.num_rows, " rows"))
                : line("batch = 64", "small batches suit rare classes");
  text += line("eval_batch = 512", "only a matter of speed");
  text += large ? line("epochs = 20", "with early stopping below")
                : line("epochs = 60", "with early stopping below");
  text += line(concat("early_stop = { on = \"", watched, "\", patience = 8 }"), "never on the test split");
  text += line(concat("keep = { best = \"", watched, "\" }"),
               !binary      ? "all classes count the same"
               : imbalanced ? "accuracy says little when one class is rare"
                            : "classes of comparable size");
  text += "seeds = 1                                   # 5 gives a standard error\n";
  text += "\n[eval]\n";
  text += binary ? line("metrics = [\"accuracy\", \"balanced_accuracy\", \"auc\", \"average_precision\"]",
                        "two classes")
                 : line("metrics = [\"accuracy\", \"balanced_accuracy\", \"minority\", \"majority\"]",
                        "more than two classes");
  return text;
}

} // namespace

std::string suggest_recipe(const DataDescription& d, const std::string& path,
                           const std::optional<TestTable>& test) {
  std::string text =
      concat("# ", comment(path), ": ", d.profile.num_rows, " rows, ", d.schema.num_numeric(),
             " numeric and ", d.schema.num_category(), " categorical features, ", d.schema.num_classes,
             " classes, ", format_ratio(imbalance_ratio(d.class_counts)), "\n",
             "# Written by `tailor init`. Every line is a suggestion; the comment says why. All keys: "
             "`tailor recipe --describe`.\n");
  if (d.profile.num_damaged > 0) {
    text += concat("#\n# ATTENTION: ", d.profile.num_damaged,
                   " damaged rows. Training refuses the table until they are repaired:\n");
    for (const std::string& message : d.profile.damage)
      text += concat("#   ", comment(message), "\n");
  }
  return concat(text, "\n", data_section(d, path, test), training_sections(d));
}

} // namespace tailor::runtime
