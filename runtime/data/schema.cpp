#include "runtime/data/schema.h"

#include "runtime/base/wording.h"
#include "runtime/data/header.h"
#include "runtime/data/table.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tailor::runtime {
namespace {

constexpr std::int32_t kMaxClasses = 65536;
constexpr std::size_t kMaxColumns = CsvRecords::kMaxFields;

/// Position of a column the user named. Errors name the nearest column there is.
Result<std::int32_t> resolve(const ColumnRef& ref, const FileProfile& profile, std::string_view key) {
  const auto count = static_cast<std::int32_t>(profile.columns.size());
  if (ref.name.empty()) {
    const std::int32_t position = ref.position < 0 ? count + ref.position : ref.position;
    if (position < 0 || position >= count)
      return not_found(key, ": column ", ref.position, " is not there: '", profile.path, "' has ", count,
                       " columns")
          .about(std::string(key));
    return position;
  }
  std::int32_t found = -1;
  std::vector<std::string> names;
  for (const ColumnProfile& column : profile.columns) {
    if (column.name == ref.name) {
      if (found >= 0)
        return invalid_argument(key, ": two columns of '", profile.path, "' are named '", ref.name, "'")
            .about(std::string(key))
            .with_hint(concat("name the column by its position: ", found, " or ", column.position));
      found = column.position;
    }
    names.push_back(column.name);
  }
  if (found >= 0) return found;
  Status status =
      not_found(key, ": no column '", ref.name, "' in '", profile.path, "'",
                profile.has_header ? "" : concat(", which has no header (", profile.header_reason, ")"));
  return std::move(status)
      .about(std::string(key))
      .with_hint(profile.has_header ? concat("the nearest column is '", nearest(ref.name, names), "'")
                                    : "name columns by position, for example 0 or -1");
}

bool all_numbers(const std::vector<std::string>& texts) {
  double number;
  return std::all_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return parse_number(text, number) == NumberParse::kOk; });
}

void sort_values(std::vector<std::string>& values) {
  if (!all_numbers(values)) {
    std::sort(values.begin(), values.end());
    return;
  }
  std::sort(values.begin(), values.end(), [](const std::string& a, const std::string& b) {
    double x = 0, y = 0;
    (void)parse_number(a, x), (void)parse_number(b, y);
    return x != y ? x < y : a < b;
  });
}

const std::string& label_key() {
  return key_name(&TableKeys::label_column);
}
const std::string& classes_key() {
  return key_name(&TableKeys::label_classes);
}

/// Label values without the suffix, and how often each occurs.
Result<std::map<std::string, std::int64_t>> label_values(const ColumnProfile& column, const TablePlan& plan,
                                                         const FileProfile& file) {
  if (column.many_distinct || column.distinct.size() > static_cast<std::size_t>(kMaxClasses))
    return invalid_argument("label column '", column.name, "' of '", file.path, "' has more than ",
                            kMaxClasses, " values, expected class labels")
        .about(label_key());
  if (column.num_missing > 0)
    return invalid_argument(file.where(column.first_place(kMissingCategory)), ": label column '", column.name,
                            "' has no label here; ", column.num_missing, " of ",
                            column.num_missing + column.num_values,
                            " rows have none, expected one in every row")
        .about(label_key())
        .with_hint("leave these rows out of the table, or name another label column");
  std::map<std::string, std::int64_t> counts;
  for (const auto& [text, count] : column.distinct)
    counts[std::string(strip_suffix(text, plan.label_strip))] += count;
  return counts;
}

/// The plan's list must name every label, and every class of it must have a row.
Status check_class_list(const ColumnProfile& column, const std::map<std::string, std::int64_t>& counts,
                        const TablePlan& plan, const FileProfile& file) {
  const std::set<std::string> listed(plan.classes.begin(), plan.classes.end());
  if (listed.size() != plan.classes.size())
    return invalid_argument(classes_key(), " names a class twice").about(classes_key());
  for (std::size_t i = 0; i < column.distinct.size(); ++i)
    if (const std::string label(strip_suffix(column.distinct[i].first, plan.label_strip));
        !listed.contains(label))
      return invalid_argument(file.where(column.distinct_places[i]), ": label '", label,
                              "' is not among the ", listed.size(), " ", classes_key())
          .about(classes_key())
          .with_hint(concat("the nearest class is '", nearest(label, plan.classes), "'"));
  for (std::size_t k = 0; k < plan.classes.size(); ++k)
    if (!counts.contains(plan.classes[k])) {
      std::vector<std::string> labels;
      for (const auto& [label, count] : counts)
        labels.push_back(label);
      return invalid_argument("class '", plan.classes[k], "' has no row in '", file.path, "'")
          .about(concat(classes_key(), "[", k, "]"))
          .with_hint(concat("the nearest label is '", nearest(plan.classes[k], labels), "'"));
    }
  return {};
}

Status choose_classes(const ColumnProfile& column, const TablePlan& plan, const FileProfile& file,
                      DataSchema& schema, std::string& reason) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto counts, label_values(column, plan, file));
  std::vector<std::string> values;
  for (const auto& [text, count] : counts)
    values.push_back(text);
  if (plan.classes.empty()) {
    sort_values(values);
    reason = all_numbers(values) ? "label values in numeric order" : "label values in alphabetical order";
  } else {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_class_list(column, counts, plan, file));
    values = plan.classes;
    reason = classes_key();
  }
  if (values.size() < 2)
    return invalid_argument("label column '", column.name, "' of '", file.path, "' holds ",
                            values.empty() ? "no value" : concat("one value only ('", values[0], "')"),
                            ", expected at least two classes")
        .about(label_key())
        .with_hint(concat("--label or ", label_key(), " names another column",
                          column.position + 1 == std::ssize(file.columns) && !plan.label
                              ? "; without it the last one is taken"
                              : ""));
  std::string positive = plan.positive;
  if (!positive.empty()) {
    const std::string& positive_key = key_name(&TableKeys::label_positive);
    if (std::find(values.begin(), values.end(), positive) == values.end())
      return invalid_argument(positive_key, " = '", positive, "' is not a label of '", file.path, "'")
          .about(positive_key)
          .with_hint(concat("the nearest label is '", nearest(positive, values), "'"));
    if (values.size() != 2)
      return invalid_argument(positive_key, " is for two classes, but '", file.path, "' has ", values.size())
          .about(positive_key);
    reason += ", positive last";
  } else if (values.size() == 2) {
    const auto rows_of = [&](const std::string& value) {
      const auto found = counts.find(value);
      return found == counts.end() ? std::int64_t{0} : found->second;
    };
    const bool first_is_rarer = rows_of(values[0]) < rows_of(values[1]);
    positive = values[first_is_rarer ? 0 : 1];
    reason +=
        concat(", the rarer one ('", positive, "') is positive", plan.classes.empty() ? " and last" : "");
  }
  if (!positive.empty() && plan.classes.empty() && values[0] == positive) std::swap(values[0], values[1]);
  schema.num_classes = static_cast<std::int32_t>(values.size());
  if (!positive.empty())
    schema.positive_class =
        static_cast<std::int32_t>(std::find(values.begin(), values.end(), positive) - values.begin());
  schema.class_names = std::move(values);
  return {};
}

/// The one sign of a column. A percent sign is a factor of 100: all cells have it or none.
Status choose_sign(const ColumnProfile& profile, const FileProfile& file, Column& column) {
  const TextCount* unsigned_cells = nullptr;
  const TextCount* chosen = nullptr;
  for (const TextCount& sign : profile.signs) {
    if (sign.text.empty()) {
      unsigned_cells = &sign;
    } else if (chosen) {
      return invalid_argument("column '", profile.name, "' mixes '", chosen->text, "' at ",
                              file.where(chosen->place), " and '", sign.text, "' at ", file.where(sign.place),
                              ", expected one sign in a column")
          .about(key_name(&TableKeys::number_signs))
          .with_hint(concat("convert one into the other, or list the column in ",
                            key_name(&TableKeys::columns_drop), " or .categorical"));
    } else {
      chosen = &sign;
    }
  }
  if (chosen && chosen->text == kPercent && unsigned_cells)
    return invalid_argument("column '", profile.name, "' has '%' at ", file.where(chosen->place),
                            " and none at ", file.where(unsigned_cells->place),
                            ", expected it in every cell or in none")
        .about(key_name(&TableKeys::number_signs))
        .with_hint("28% and 0.28 would differ by a factor of 100: write them alike");
  if (chosen) column.sign = chosen->text;
  return {};
}

/// Text that would be numbers if data.decimal and the like said how: nobody meant 28% to be a category.
Status check_is_text(const ColumnProfile& profile, const FileProfile& file) {
  std::int64_t markers = 0;
  for (const TextCount& marker : profile.markers)
    markers += marker.count;
  const std::int64_t fitting = *std::max_element(profile.num_fitting.begin(), profile.num_fitting.end());
  if (profile.shaped.count == 0 || fitting + markers < profile.num_values) return {};
  const auto best = std::max_element(profile.num_fitting.begin(), profile.num_fitting.end());
  const NumberFormat& format = kNumberFormats[static_cast<std::size_t>(best - profile.num_fitting.begin())];
  std::string keys = keys_of(format == file.cells.number ? NumberFormat() : format,
                             profile.known_signs.empty() ? "" : profile.known_signs[0].text);
  return invalid_argument(file.where(profile.shaped.place), ": column '", profile.name, "' holds ",
                          in_quotes(profile.shaped.text), ", a number written in another way, in ",
                          profile.shaped.count, " cells")
      .with_hint(concat(keys, keys.empty() ? "" : " reads it as one; ",
                        key_name(&TableKeys::columns_categorical), " keeps it a text"));
}

/// How the cells of a date or time column are to be read.
Result<DateForm> date_form(const ColumnProfile& profile, const FileProfile& file, const TablePlan& plan) {
  const DateEvidence& dates = profile.dates;
  if (profile.is_numeric() && dates.num_digits < profile.num_values) {
    const double size = std::max(std::abs(profile.min), std::abs(profile.max));
    if (const std::optional<DateForm> form = unix_form(size)) return *form;
    return invalid_argument("column '", profile.name, "' of '", file.path, "' holds numbers up to ", size,
                            ", expected dates or seconds since 1970");
  }
  if (dates.is_open()) {
    if (plan.date_order) return *plan.date_order;
    return invalid_argument("column '", profile.name, "' of '", file.path,
                            "' holds dates whose day and month cannot be told apart")
        .with_hint(concat(key_name(&TableKeys::date_order),
                          " = \"day_first\" or \"month_first\" says which comes first"));
  }
  const std::optional<DateForm> form = dates.form();
  if (!form && dates.num_dates > 0)
    return invalid_argument("column '", profile.name, "' of '", file.path, "' has ", dates.num_day_first,
                            " dates with the day first and ", dates.num_month_first,
                            " with the month first, expected one order");
  if (!form)
    return invalid_argument("column '", profile.name, "' of '", file.path, "' holds no date ('",
                            profile.first_text, "' at ", profile.first_text_where,
                            "), expected dates such as 2020-01-31")
        .with_hint(concat("list it in ", key_name(&TableKeys::columns_categorical), " or ",
                          key_name(&TableKeys::columns_drop)));
  if (plan.date_order && *form != DateForm::kYearFirst && *form != *plan.date_order)
    return invalid_argument("column '", profile.name, "' of '", file.path, "' has the ",
                            *form == DateForm::kDayFirst ? "day" : "month", " first, ",
                            key_name(&TableKeys::date_order), " says the other")
        .about(key_name(&TableKeys::date_order));
  return *form;
}

Status choose_date(const ColumnProfile& profile, const FileProfile& file, const TablePlan& plan,
                   Column& column, std::string& reason) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(column.date_form, date_form(profile, file, plan));
  column.date_features = plan.date_features;
  const auto without = [&](DateFeature feature) {
    column.date_features &= static_cast<std::uint16_t>(~bit(feature));
  };
  if (profile.dates.num_with_time == 0 && !is_unix_form(column.date_form)) without(DateFeature::kHour);
  if (column.orders_rows) without(DateFeature::kElapsed), without(DateFeature::kYear);
  if (column.date_features == 0)
    return invalid_argument("no feature is left of the dates of column '", profile.name, "' of '", file.path,
                            "'")
        .about(key_name(&TableKeys::date_features))
        .with_hint(column.orders_rows
                       ? "columns.time gives no elapsed and no year, and hour needs a time of day"
                       : "hour needs cells with a time of day");
  column.missing_flag = plan.missing == MissingPolicy::kFlag && profile.num_missing > 0;
  constexpr const char* kForms[kNumDateForms] = {"dates", "dates, day first", "dates, month first",
                                                 "seconds since 1970", "milliseconds since 1970"};
  reason = concat(kForms[static_cast<std::size_t>(column.date_form)], " in ", profile.num_values, " cells: ");
  for (int i = 0; i < kNumDateFeatures; ++i)
    if (column.date_features & bit(static_cast<DateFeature>(i)))
      reason += concat(reason.ends_with(": ") ? "" : ", ", to_string(static_cast<DateFeature>(i)));
  if (profile.num_missing > 0) reason += concat("; ", profile.num_missing, " missing");
  return {};
}

/// Row weights are numbers; their cells are checked one by one when the table is read.
Status check_weights(const ColumnProfile& profile, const FileProfile& file, Column& column) {
  if (!profile.is_numeric())
    return invalid_argument("column '", profile.name, "' of '", file.path, "' holds ",
                            profile.num_values == 0 ? std::string("no value")
                                                    : concat("text ('", profile.first_text, "' at ",
                                                             profile.first_text_where, ")"),
                            ", expected row weights: numbers of at least 0");
  return choose_sign(profile, file, column);
}

Status choose_feature(const ColumnProfile& profile, const FileProfile& file, const TablePlan& plan,
                      bool declared, bool strict, Column& column, std::string& reason) {
  const bool all_dates =
      !profile.is_numeric() && profile.num_values > 0 && profile.dates.num_dates == profile.num_values;
  if (column.role == ColumnRole::kDate || (!declared && all_dates)) {
    column.role = ColumnRole::kDate;
    return choose_date(profile, file, plan, column, reason);
  }
  if (!declared) {
    if (strict && !profile.is_numeric()) TAILOR_RETURN_IF_ERROR_AS_IS(check_is_text(profile, file));
    if (profile.names_rows())
      return invalid_argument("column '", profile.name, "' of '", file.path, "' has ",
                              profile.many_distinct ? concat("more than ", ColumnProfile::kMaxDistinct)
                                                    : concat(profile.num_distinct()),
                              " different texts in ", file.num_rows, " rows and looks like an identifier")
          .with_hint(concat("list it in ", key_name(&TableKeys::columns_drop), ", as ",
                            key_name(&TableKeys::columns_id), ", or in ",
                            key_name(&TableKeys::columns_categorical)));
    column.role = profile.is_numeric() ? ColumnRole::kNumeric : ColumnRole::kCategorical;
    reason = profile.type_reason();
  }
  if (column.role == ColumnRole::kNumeric) {
    if (profile.num_values == 0)
      return invalid_argument("numeric column '", profile.name, "' of '", file.path,
                              "' has no value in any row")
          .with_hint(concat("list it in ", key_name(&TableKeys::columns_drop)));
    if (profile.num_numbers == 0)
      return invalid_argument("column '", profile.name, "' of '", file.path, "' holds no number ('",
                              profile.first_text, "' at ", profile.first_text_where, "), expected numbers")
          .with_hint(concat("list it in ", key_name(&TableKeys::columns_categorical)));
    column.missing_flag = plan.missing == MissingPolicy::kFlag && profile.num_missing > 0;
    TAILOR_RETURN_IF_ERROR_AS_IS(choose_sign(profile, file, column));
  }
  if (column.role == ColumnRole::kCategorical) {
    if (profile.many_distinct)
      return invalid_argument("categorical column '", profile.name, "' of '", file.path, "' has more than ",
                              ColumnProfile::kMaxDistinct, " values");
    column.capacity = static_cast<std::int32_t>(profile.distinct.size()) + 1;
  }
  return {};
}

/// The table's columns before any has a role, and what of the plan every reader needs.
DataSchema columns_of(const FileProfile& profile, const TablePlan& plan) {
  DataSchema schema;
  schema.named = profile.has_header;
  schema.label_strip = plan.label_strip;
  schema.missing = word_of(plan.missing);
  schema.number_format = profile.cells.number;
  schema.missing_markers = profile.cells.missing;
  schema.columns.resize(profile.columns.size());
  for (std::size_t i = 0; i < profile.columns.size(); ++i) {
    schema.columns[i].name = profile.columns[i].name;
    schema.columns[i].position = static_cast<std::int32_t>(i);
  }
  return schema;
}

/// infer_schema but for the labels; strict: columns must be what they look like.
Result<DataSchema> schema_by_roles(const FileProfile& profile, const TablePlan& plan, bool strict,
                                   SchemaReasons* reasons) {
  const auto count = static_cast<std::int32_t>(profile.columns.size());
  std::vector<const char*> declared(profile.columns.size(), nullptr);
  DataSchema schema = columns_of(profile, plan);
  // `place`: the key as the recipe has it, "data.columns.drop[1]" for an element of a list.
  const auto declare = [&](const ColumnRef& ref, ColumnRole role, const char* key,
                           const std::string& place) -> Status {
    Result<std::int32_t> position = resolve(ref, profile, key);
    if (!position.ok()) return std::move(position).status().about(place);
    const char*& known = declared[static_cast<std::size_t>(*position)];
    Column& column = schema.columns[static_cast<std::size_t>(*position)];
    // A date may order the rows as well, and predictions may carry a column that is no feature.
    const bool dates_of_time = role == ColumnRole::kDate && column.role == ColumnRole::kTime;
    const bool id_of_dropped = role == ColumnRole::kId && known && column.role == ColumnRole::kDrop;
    column.orders_rows = dates_of_time;
    if (known && std::string_view(known) != key && !dates_of_time && !id_of_dropped)
      return invalid_argument("column '", profile.columns[static_cast<std::size_t>(*position)].name,
                              "' is both ", known, " and ", key)
          .about(place);
    known = key;
    column.role = role;
    return {};
  };
  const auto declare_one = [&](const std::optional<ColumnRef>& ref, ColumnRole role, const char* key) {
    return ref ? declare(*ref, role, key, key) : Status();
  };
  const auto declare_all = [&](const std::vector<ColumnRef>& refs, ColumnRole role, const char* key) {
    for (std::size_t i = 0; i < refs.size(); ++i)
      TAILOR_RETURN_IF_ERROR_AS_IS(declare(refs[i], role, key, concat(key, "[", i, "]")));
    return Status();
  };
  const auto key_of = [](OptionValue TableKeys::*member) { return key_name(member).c_str(); };
  const ColumnRef label = plan.label.value_or(ColumnRef{"", -1});
  TAILOR_RETURN_IF_ERROR_AS_IS(declare_one(label, ColumnRole::kLabel, label_key().c_str()));
  TAILOR_RETURN_IF_ERROR_AS_IS(declare_all(plan.drop, ColumnRole::kDrop, key_of(&TableKeys::columns_drop)));
  TAILOR_RETURN_IF_ERROR_AS_IS(declare_one(plan.id, ColumnRole::kId, plan.id_key.c_str()));
  TAILOR_RETURN_IF_ERROR_AS_IS(declare_one(plan.group, ColumnRole::kGroup, plan.group_key.c_str()));
  TAILOR_RETURN_IF_ERROR_AS_IS(declare_one(plan.time, ColumnRole::kTime, plan.time_key.c_str()));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      declare_one(plan.row_weights, ColumnRole::kRowWeight, key_of(&TableKeys::row_weights)));
  if (plan.split_column) {
    const std::string& key = key_name(&SplitKeys::column);
    const bool by_time = plan.split.by == SplitBy::kTime;
    Result<std::int32_t> position = resolve(*plan.split_column, profile, key);
    if (!position.ok()) return std::move(position).status();
    if (schema.columns[static_cast<std::size_t>(*position)].role !=
        (by_time ? ColumnRole::kTime : ColumnRole::kGroup))
      return invalid_argument(key, " is column '", profile.columns[static_cast<std::size_t>(*position)].name,
                              "', ", by_time ? plan.time_key : plan.group_key,
                              " another one, expected the same")
          .about(key)
          .with_hint("leave one of the two out");
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(declare_all(plan.date, ColumnRole::kDate, key_of(&TableKeys::columns_date)));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      declare_all(plan.numeric, ColumnRole::kNumeric, key_of(&TableKeys::columns_numeric)));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      declare_all(plan.categorical, ColumnRole::kCategorical, key_of(&TableKeys::columns_categorical)));

  SchemaReasons why;
  why.columns.resize(profile.columns.size());
  std::int32_t num_features = 0;
  for (std::int32_t i = 0; i < count; ++i) {
    if (declared[i]) why.columns[i] = declared[i];
    if (!declared[i] && profile.columns[i].is_index) {
      schema.columns[i].role = ColumnRole::kDrop;
      why.columns[i] = kIndexReason;
      continue;
    }
    const ColumnRole role = schema.columns[i].role;
    if (role == ColumnRole::kTime && profile.columns[i].dates.num_dates == profile.columns[i].num_values &&
        !profile.columns[i].is_numeric()) {
      Result<DateForm> form = date_form(profile.columns[i], profile, plan);
      if (!form.ok()) return std::move(form).status().about(plan.time_key);
      schema.columns[i].date_form = *form;
    }
    if (role == ColumnRole::kRowWeight) {
      if (Status status = check_weights(profile.columns[i], profile, schema.columns[i]); !status.ok())
        return std::move(status).about(declared[i]);
    }
    if (declared[i] && role != ColumnRole::kNumeric && role != ColumnRole::kCategorical &&
        role != ColumnRole::kDate)
      continue;
    if (Status status = choose_feature(profile.columns[i], profile, plan, declared[i], strict,
                                       schema.columns[i], why.columns[i]);
        !status.ok())
      return declared[i] && status.key().empty() ? std::move(status).about(declared[i]) : status;
    ++num_features;
  }
  if (num_features == 0)
    return invalid_argument("'", profile.path, "' has no column left to learn from")
        .about(key_name(&TableKeys::columns_drop));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int32_t label_position, resolve(label, profile, label_key()));
  why.label = plan.label ? label_key() : "the last column";
  TAILOR_RETURN_IF_ERROR_AS_IS(
      choose_classes(profile.columns[label_position], plan, profile, schema, why.classes));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_schema(schema));
  if (reasons) *reasons = std::move(why);
  return schema;
}

} // namespace

std::string positional_name(std::int32_t position) {
  return concat("column ", position);
}

Result<DataSchema> infer_schema(const FileProfile& profile, const TablePlan& plan, SchemaReasons* reasons) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(DataSchema schema, schema_by_roles(profile, plan, true, reasons));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_class_labels(profile, plan, schema));
  return schema;
}

Status check_class_labels(const FileProfile& profile, const TablePlan& plan, const DataSchema& schema) {
  if (!plan.classes.empty()) return {};
  constexpr std::int64_t kManyClasses = 20, kFewRows = 10;
  const auto role = std::find_if(schema.columns.begin(), schema.columns.end(),
                                 [](const Column& column) { return column.role == ColumnRole::kLabel; });
  const ColumnProfile& label = profile.columns[static_cast<std::size_t>(role->position)];
  const auto quantity = [](Status status) {
    return std::move(status)
        .about(label_key())
        .with_hint(concat("--label or ", label_key(),
                          " names another column; a quantity has to be cut into classes first; ",
                          classes_key(), " lists the values if they are classes"));
  };
  std::map<double, std::size_t> spellings; // number -> its first text
  for (std::size_t i = 0; i < label.distinct.size(); ++i) {
    const std::string_view text = strip_suffix(label.distinct[i].first, plan.label_strip);
    double number = 0;
    if (parse_number(text, number) != NumberParse::kOk) continue;
    if (number != std::floor(number) && label.is_numeric())
      return quantity(invalid_argument(profile.where(label.distinct_places[i]), ": label column ",
                                       in_quotes(label.name), " holds ", text,
                                       ", a quantity and not a class"));
    const auto [known, is_new] = spellings.emplace(number, i);
    if (const std::string_view other = strip_suffix(label.distinct[known->second].first, plan.label_strip);
        other != text)
      return invalid_argument(profile.where(label.distinct_places[i]), ": label ", in_quotes(text),
                              " is the same number as ", in_quotes(other), " at ",
                              profile.where(label.distinct_places[known->second]),
                              ", expected one spelling for each class")
          .about(label_key())
          .with_hint(concat("write them alike; ", classes_key(), " lists both if they are two classes"));
  }
  if (const std::int64_t classes = schema.num_classes;
      classes > kManyClasses && classes * kFewRows > profile.num_rows)
    return quantity(invalid_argument("label column ", in_quotes(label.name), " of '", profile.path, "' has ",
                                     classes, " different values in ", profile.num_rows, " rows: fewer than ",
                                     kFewRows, " rows a class"));
  return {};
}

Result<DataSchema> schema_as_found(const FileProfile& profile, const TablePlan& plan,
                                   SchemaReasons* reasons) {
  return schema_by_roles(profile, plan, false, reasons);
}

Result<DataSchema> label_schema(const FileProfile& profile, const TablePlan& plan) {
  DataSchema schema = columns_of(profile, plan);
  for (Column& column : schema.columns)
    column.role = ColumnRole::kDrop;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int32_t label,
                                resolve(plan.label.value_or(ColumnRef{"", -1}), profile, label_key()));
  schema.columns[static_cast<std::size_t>(label)].role = ColumnRole::kLabel;
  std::string reason;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      choose_classes(profile.columns[static_cast<std::size_t>(label)], plan, profile, schema, reason));
  return schema;
}

Result<DataSchema> table_schema(const TablePlan& plan, SchemaNotes* notes) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const FileProfile profile,
                                profile_csv(plan.train, plan.csv, mentioned_names(plan), plan.cells));
  SchemaReasons reasons;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(DataSchema schema, infer_schema(profile, plan, &reasons));
  if (notes)
    for (std::size_t i = 0; i < reasons.columns.size(); ++i)
      if (reasons.columns[i] == kIndexReason)
        notes->push_back(concat("column ", i, " of '", profile.path, "' is left out: ", kIndexReason, "; ",
                                key_name(&TableKeys::columns_numeric), " = [", i, "] would keep it"));
  return schema;
}

Status check_schema(const DataSchema& schema) {
  if (schema.columns.size() > kMaxColumns)
    return invalid_argument("schema has ", schema.columns.size(), " columns, at most ", kMaxColumns,
                            " are possible");
  int num_labels = 0, num_weights = 0;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    if (column.position != static_cast<std::int32_t>(i))
      return invalid_argument("schema: column '", column.name, "' has position ", column.position,
                              ", expected ", i);
    if ((column.role == ColumnRole::kDate) != (column.date_features != 0) ||
        column.date_features >> kNumDateFeatures != 0)
      return invalid_argument("schema: column '", column.name, "' has date features ", column.date_features);
    num_labels += column.role == ColumnRole::kLabel;
    num_weights += column.role == ColumnRole::kRowWeight;
    if (column.role == ColumnRole::kCategorical &&
        (column.capacity < 2 || column.capacity > static_cast<std::int32_t>(ColumnProfile::kMaxDistinct) + 1))
      return invalid_argument("schema: categorical column '", column.name, "' has capacity ", column.capacity,
                              ", expected 2 to ", ColumnProfile::kMaxDistinct + 1);
  }
  if (num_weights > 1)
    return invalid_argument("schema has ", num_weights, " columns of row weights, expected one");
  if (num_labels > 1) return invalid_argument("schema has ", num_labels, " label columns, expected one");
  if (schema.num_classes < 2 || schema.num_classes > kMaxClasses ||
      schema.class_names.size() != static_cast<std::size_t>(schema.num_classes))
    return invalid_argument("schema has ", schema.num_classes, " classes and ", schema.class_names.size(),
                            " class names, expected equal numbers from 2 to ", kMaxClasses);
  if (std::set<std::string>(schema.class_names.begin(), schema.class_names.end()).size() !=
      schema.class_names.size())
    return invalid_argument("schema names a class twice");
  if (schema.positive_class < -1 || schema.positive_class >= schema.num_classes)
    return invalid_argument("schema: positive class ", schema.positive_class, " of ", schema.num_classes,
                            " classes");
  TAILOR_RETURN_IF_ERROR_AS_IS(check_image(schema));
  if (!from_word<MissingPolicy>(schema.missing))
    return invalid_argument("schema: missing '", schema.missing, "', expected ",
                            listed(words_of<MissingPolicy>(), " | "));
  if (!from_word<Normalisation>(schema.numeric))
    return invalid_argument("schema: normalisation '", schema.numeric, "', expected ",
                            listed(words_of<Normalisation>(), " | "));
  return {};
}

} // namespace tailor::runtime
