#include "runtime/data/describe.h"

#include "runtime/data/alignment.h"
#include "runtime/data/table.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace tailor::runtime {
namespace {

constexpr std::size_t kMaxClassesShown = 60;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return text;
}

ColumnRef choose_label(const FileProfile& profile, std::string& reason) {
  for (const char* usual : {"label", "class", "target", "outcome", "y"})
    for (const ColumnProfile& column : profile.columns)
      if (profile.has_header && lower(column.name) == usual) {
        reason = concat("its name, ", in_quotes(column.name));
        return {column.name, 0};
      }
  reason = "the last column";
  return {"", -1};
}

/// Position of the label column, or -1 where infer_schema will say what is wrong.
std::int32_t label_position(const FileProfile& profile, const ColumnRef& label) {
  const auto count = static_cast<std::int32_t>(profile.columns.size());
  if (label.name.empty()) return label.position < 0 ? count + label.position : label.position;
  for (const ColumnProfile& column : profile.columns)
    if (column.name == label.name) return column.position;
  return -1;
}

bool ends_in_full_stop(const ColumnProfile& column) {
  return !column.distinct.empty() &&
         std::all_of(column.distinct.begin(), column.distinct.end(),
                     [](const auto& entry) { return entry.first.size() > 1 && entry.first.ends_with('.'); });
}

std::string percent(std::int64_t part, std::int64_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%6.2f %%",
                whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0);
  return text;
}

std::string class_table(const DataDescription& d, const std::vector<ClassGroup>& ends) {
  std::int64_t total = 0;
  for (const std::int64_t count : d.class_counts)
    total += count;
  std::vector<std::vector<std::string>> rows;
  const std::size_t num_classes = d.class_counts.size();
  for (std::size_t k = 0; k < num_classes; ++k) {
    if (num_classes > kMaxClassesShown && k >= kMaxClassesShown / 2 && k < num_classes - kMaxClassesShown / 2)
      continue;
    std::string marks;
    for (const ClassGroup& group : ends)
      if (std::find(group.classes.begin(), group.classes.end(), static_cast<std::int32_t>(k)) !=
          group.classes.end())
        marks += (marks.empty() ? "" : ", ") + group.name;
    if (static_cast<std::int32_t>(k) == d.schema.positive_class)
      marks += marks.empty() ? "positive" : ", positive";
    rows.push_back({concat(static_cast<std::int64_t>(k)), d.schema.class_names[k], concat(d.class_counts[k]),
                    percent(d.class_counts[k], total), marks});
  }
  std::string text = aligned(rows, {true, false, true, true, false});
  if (num_classes > kMaxClassesShown)
    text += concat("  (", num_classes - kMaxClassesShown, " classes in the middle not shown)\n");
  return text;
}

/// 2021-03-04
std::string date_text(double days) {
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<std::int64_t>(std::floor(days))))};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::string value_range(const ColumnProfile& profile, const Column& column) {
  if (column.role == ColumnRole::kNumeric && profile.num_numbers > 0)
    return concat(profile.min, " .. ", profile.max);
  if (profile.many_distinct) return concat("over ", ColumnProfile::kMaxDistinct, " values");
  const std::int64_t count = profile.num_distinct();
  return concat(count, count == 1 ? " value" : " values");
}

/// What the column alone ranks of the label, as AUC; questioned ones are marked.
std::string alone(const DataDescription& d, std::size_t position) {
  const std::optional<ColumnSignal>& signal = d.signals[position];
  if (!signal || !signal->auc) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%.4f%s", *signal->auc, is_questioned(*signal) ? "?" : "");
  return text;
}

/// First and last day of a date column; empty for others.
std::string dates(const DataDescription& d, std::size_t position) {
  const std::optional<ColumnSignal>& signal = d.signals[position];
  if (d.schema.columns[position].role != ColumnRole::kDate || !signal) return "";
  return concat(date_text(signal->min), " .. ", date_text(signal->max));
}

std::string column_table(const DataDescription& d) {
  std::vector<std::vector<std::string>> rows = {{"#", "name", "role", "values", "missing", "alone", "why"}};
  for (std::size_t i = 0; i < d.schema.columns.size(); ++i) {
    const ColumnProfile& profile = d.profile.columns[i];
    const Column& column = d.schema.columns[i];
    rows.push_back({concat(static_cast<std::int64_t>(i)), column.name, to_string(column.role),
                    dates(d, i).empty() ? value_range(profile, column) : dates(d, i),
                    concat(profile.num_missing), alone(d, i), d.reasons.columns[i]});
  }
  return aligned(rows, {true, false, false, false, true, true, false});
}

std::string class_list(const std::vector<std::int32_t>& classes) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(classes.size(), kShown); ++i)
    text += concat(i > 0 ? " " : "", classes[i]);
  return classes.size() > kShown ? concat(text, " .. ", classes.back(), " (", classes.size(), " classes)")
                                 : text;
}

/// As if the rows without a value were not there.
void leave_out_missing(ColumnProfile& column) {
  const auto found = std::find_if(column.distinct.begin(), column.distinct.end(),
                                  [](const auto& entry) { return entry.first == kMissingCategory; });
  column.num_missing = 0;
  if (found == column.distinct.end()) return;
  column.distinct_places.erase(column.distinct_places.begin() + (found - column.distinct.begin()));
  column.distinct.erase(found);
}

/// Why each column that might have been a feature was left out.
std::string left_out_features(const DataDescription& d) {
  std::string text;
  for (const Column& column : d.schema.columns)
    if (column.role != ColumnRole::kLabel)
      text += concat(text.empty() ? "" : "; ", in_quotes(column.name), " ",
                     d.reasons.columns[static_cast<std::size_t>(column.position)]);
  return text;
}

/// Decides on every column and makes the schema.
Status give_roles(DataDescription& d, TablePlan plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataSchema classes, label_schema(d.profile, plan));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(ColumnRoles roles, choose_roles(d.profile, plan, classes));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(d.schema, schema_as_found(d.profile, roles.plan, &d.reasons));
  for (std::size_t i = 0; i < roles.reasons.size(); ++i)
    if (!roles.reasons[i].empty()) d.reasons.columns[i] = roles.reasons[i];
  if (!roles.features_left)
    d.trouble.push_back(
        concat("'", d.profile.path, "': no column is left to learn from: ", left_out_features(d)));
  d.plan = std::move(roles.plan);
  d.features_left = roles.features_left;
  d.signals = std::move(roles.signals);
  d.questioned = std::move(roles.questioned);
  d.notes = std::move(roles.notes);
  d.rows = std::move(roles.rows);
  return {};
}

} // namespace

Result<DataDescription> describe_csv(const std::string& path, TablePlan plan) {
  DataDescription d;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(d.profile, profile_csv(path, plan.csv, mentioned_names(plan)));
  if (d.format = find_format(d.profile); plan.cells == CellFormat() && !d.format.is_default()) {
    plan.cells = d.format.cells;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(d.profile, profile_csv(path, plan.csv, mentioned_names(plan), plan.cells));
  }
  plan.train = path;
  std::string label_reason = "given";
  if (!plan.label) plan.label = choose_label(d.profile, label_reason);
  const std::int32_t label = label_position(d.profile, *plan.label);
  const auto count = static_cast<std::int32_t>(d.profile.columns.size());
  if (label >= 0 && label < count && plan.label_strip.empty() &&
      ends_in_full_stop(d.profile.columns[static_cast<std::size_t>(label)]))
    plan.label_strip = ".";

  if (label >= 0 && label < count && d.profile.columns[static_cast<std::size_t>(label)].num_missing > 0) {
    ColumnProfile& column = d.profile.columns[static_cast<std::size_t>(label)];
    d.trouble.push_back(concat(d.profile.where(column.first_place(kMissingCategory)), ": no label here; ",
                               column.num_missing, " of ", d.profile.num_rows,
                               " rows have none, training needs one in every row"));
    const ColumnProfile whole = column;
    leave_out_missing(column);
    TAILOR_RETURN_IF_ERROR_AS_IS(give_roles(d, std::move(plan)));
    column = whole;
  } else {
    TAILOR_RETURN_IF_ERROR_AS_IS(give_roles(d, std::move(plan)));
  }
  d.reasons.label = label_reason;
  d.reasons.columns[static_cast<std::size_t>(label)] = label_reason;

  d.class_counts.assign(static_cast<std::size_t>(d.schema.num_classes), 0);
  for (const auto& [text, rows] : d.profile.columns[static_cast<std::size_t>(label)].distinct) {
    const auto found = std::find(d.schema.class_names.begin(), d.schema.class_names.end(),
                                 strip_suffix(text, d.plan.label_strip));
    if (found == d.schema.class_names.end()) continue; // no label
    d.class_counts[static_cast<std::size_t>(found - d.schema.class_names.begin())] += rows;
  }
  return d;
}

Status check_trainable(const DataDescription& d) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_class_labels(d.profile, d.plan, d.schema));
  if (d.profile.num_damaged > 0)
    return invalid_argument(
               d.profile.damage[0],
               d.profile.num_damaged > 1 ? concat("; ", d.profile.num_damaged, " rows are damaged") : "")
        .with_hint("training refuses the table until they are mended; `tailor data` lists them");
  if (!d.trouble.empty())
    return invalid_argument(d.trouble[0])
        .with_hint(d.features_left
                       ? "leave these rows out, or --label names another column"
                       : "columns.numeric of a recipe written by hand makes a feature of any number");
  return {};
}

Result<std::string> format_description(const DataDescription& d, const GroupRule& groups) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<ClassGroup> sizes, few_med_many(d.class_counts, groups));
  const FileProfile& profile = d.profile;
  const std::int32_t label = label_position(profile, *d.plan.label);
  std::string text =
      concat(profile.path, ": ", profile.num_rows, " rows, ", profile.columns.size(), " columns\n",
             "  separator: ", profile.separator_reason, "\n  header: ", profile.has_header ? "yes" : "no",
             ", ", profile.header_reason, "\n");
  for (const std::string& line : d.format.lines())
    text += concat("  numbers: ", line, "\n");
  text +=
      concat("\nlabel: ", d.schema.columns[static_cast<std::size_t>(label)].name, " (", d.reasons.label, ")");
  if (!d.plan.label_strip.empty()) text += concat(", without the '", d.plan.label_strip, "' that ends it");
  const Status classes = check_class_labels(profile, d.plan, d.schema);
  if (classes.ok())
    text += concat("\nclasses: ", d.schema.num_classes, ", ", d.reasons.classes, "\n",
                   class_table(d, minority_majority(d.class_counts)),
                   format_ratio(imbalance_ratio(d.class_counts)), "\n");
  else
    text += concat("\nclasses: none, training refuses this label\n  ", classes.message(),
                   "\n  hint: ", classes.hint(), "\n");
  if (classes.ok()) text += concat("groups by ", to_string(groups), ":");
  for (const ClassGroup& group : sizes)
    if (classes.ok())
      text += concat(&group == &sizes[0] ? " " : "; ", group.name, " ",
                     group.classes.empty() ? "absent" : concat("= ", class_list(group.classes)));
  text += concat("\n\ncolumns: ", d.schema.num_numeric(), " numeric and ", d.schema.num_category(),
                 " categorical features\n", column_table(d));
  text += "(alone: AUC of the column by itself for the label, 0.5 is chance; ? marks a possible leak)\n";
  for (const std::string& note : d.notes)
    text += concat(&note == &d.notes[0] ? "\nnotes:\n  " : "  ", note, "\n");
  for (const std::string& trouble : d.trouble)
    text += concat(&trouble == &d.trouble[0] ? "\ntrouble:\n  " : "  ", trouble, "\n");
  if (profile.num_damaged == 0) return text + "\ndamaged rows: none\n";
  text += concat("\ndamaged rows: ", profile.num_damaged,
                 " (left out of every count above; training refuses the file)\n");
  for (const std::string& message : profile.damage)
    text += concat("  ", message, "\n");
  if (profile.num_damaged > std::ssize(profile.damage)) text += "  ...\n";
  return text;
}

std::optional<std::string> find_test_table(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string name = file.filename().string();
  for (const auto& [word, replacement] : {std::pair("train", "test"), std::pair("Train", "Test"),
                                          std::pair("TRAIN", "TEST"), std::pair("data", "test")}) {
    const std::size_t at = name.rfind(word);
    if (at == std::string::npos) continue;
    std::string other = name;
    const std::filesystem::path candidate =
        file.parent_path() / other.replace(at, std::string_view(word).size(), replacement);
    std::error_code error;
    if (std::filesystem::is_regular_file(candidate, error)) return candidate.string();
  }
  return std::nullopt;
}

Result<TestTable> describe_test_table(const std::string& path, const DataDescription& train) {
  CsvFormat format = train.plan.csv;
  if (format.header == HeaderLine::kAuto)
    format.header = train.profile.has_header ? HeaderLine::kYes : HeaderLine::kNo;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const FileProfile profile,
                                profile_csv(path, format, mentioned_names(train.plan), train.plan.cells));
  if (profile.columns.size() != train.profile.columns.size())
    return invalid_argument("'", path, "' has ", profile.columns.size(), " columns, '", train.profile.path,
                            "' has ", train.profile.columns.size());
  const std::int32_t label = label_position(profile, *train.plan.label);
  if (label < 0) return invalid_argument("'", path, "' has no column '", train.plan.label->name, "'");
  const auto fits = [&](std::string_view suffix) {
    const auto& distinct = profile.columns[static_cast<std::size_t>(label)].distinct;
    return std::all_of(distinct.begin(), distinct.end(), [&](const auto& entry) {
      const std::string text(strip_suffix(strip_suffix(entry.first, suffix), train.plan.label_strip));
      return std::find(train.schema.class_names.begin(), train.schema.class_names.end(), text) !=
             train.schema.class_names.end();
    });
  };
  TestTable table{path, "", ""};
  if (fits("")) return table;
  if (!fits("."))
    return invalid_argument("labels of '", path, "' are not the classes of '", train.profile.path, "'");
  table.label_strip = ".";
  return table;
}

} // namespace tailor::runtime
