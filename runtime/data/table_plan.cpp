#include "runtime/data/table_plan.h"

#include "runtime/base/data_path.h"
#include "runtime/data/key_error.h"
#include "runtime/data/text.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/split_keys.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

Result<ColumnRef> column_ref(const OptionValue& value, std::string_view key) {
  if (const std::string* name = value.as_string(); name && !name->empty()) return ColumnRef{*name, 0};
  if (const std::int64_t* position = value.as_int(); position &&
                                                     *position >= -std::int64_t{CsvRecords::kMaxFields} &&
                                                     *position < std::int64_t{CsvRecords::kMaxFields})
    return ColumnRef{"", static_cast<std::int32_t>(*position)};
  return wrong(key, " = ", value.to_json(), ", expected a column name or position");
}

/// Nothing, "" and null name no column.
Status read_column(const OptionValue& value, std::string_view key, std::optional<ColumnRef>& column) {
  if (value.is_null() || value == OptionValue("")) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(column, column_ref(value, key));
  return {};
}

Status read_columns(const OptionValue& value, std::string_view key, std::vector<ColumnRef>& columns) {
  if (value.is_null()) return {};
  if (!value.as_list()) return wrong(key, " is a ", value.kind_name(), ", expected a list of columns");
  for (const OptionValue& entry : *value.as_list()) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(ColumnRef column, column_ref(entry, key));
    columns.push_back(std::move(column));
  }
  return {};
}

Status read_split(const Options& options, TablePlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const SplitKeys keys, read_keys<SplitKeys>(options));
  SplitSpec& split = plan.split;
  split.by = keys.by;
  const bool val_given = keys.val && !is_default(options, key_name(&SplitKeys::val));
  split.val = val_given           ? *keys.val
              : plan.test.empty() ? SplitKeys::kValShare
                                  : SplitKeys::kValShareBesideTestFile;
  split.test = plan.test.empty() ? keys.test : 0;
  split.seed = static_cast<std::uint64_t>(keys.seed);
  read_seed(keys.val_seed, split.val_seed, split.val_follows_run);
  if (!plan.val.empty()) split.val = 0;
  const std::string &by_key = key_name(&SplitKeys::by), &column_key = key_name(&SplitKeys::column);
  if (split.by == SplitBy::kFiles) {
    if (plan.val.empty() && plan.test.empty())
      return wrong(by_key, " = \"files\" needs ", key_name(&TableKeys::val), " or ",
                   key_name(&TableKeys::test_file));
    split.val = split.test = 0;
  }
  if (Status status = check_fractions(split.val, split.test); !status.ok())
    return wrong_value(key_name(&SplitKeys::val), std::move(status));
  std::optional<ColumnRef> column;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_column(keys.column, column_key, column));
  const auto set_column = [&](std::optional<ColumnRef>& known, std::string& key) {
    if (known) {
      plan.split_column = column;
    } else {
      known = column;
      key = column_key;
    }
  };
  if (split.by == SplitBy::kGroup && column) set_column(plan.group, plan.group_key);
  if (split.by == SplitBy::kTime && column) set_column(plan.time, plan.time_key);
  if (split.by == SplitBy::kGroup && !plan.group)
    return wrong(by_key, " = \"group\" needs ", column_key, " or ", key_name(&TableKeys::columns_group));
  if (split.by == SplitBy::kTime && !plan.time)
    return wrong(by_key, " = \"time\" needs ", column_key, " or ", key_name(&TableKeys::columns_time));
  return {};
}

Status read_cell_format(const TableKeys& keys, CellFormat& cells) {
  const std::string &decimal_key = key_name(&TableKeys::decimal),
                    &thousands_key = key_name(&TableKeys::thousands);
  TAILOR_RETURN_IF_ERROR_AS_IS(read_text(keys.decimal, decimal_key, parse_decimal, cells.number.decimal));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_text(keys.thousands, thousands_key, parse_thousands, cells.number.thousands));
  if (cells.number.decimal == cells.number.thousands)
    return wrong(thousands_key, " = \"", cells.number.thousands, "\" is also ", decimal_key);
  cells.signs = keys.number_signs;
  cells.missing = keys.missing_markers;
  for (std::size_t i = 0; i < cells.signs.size(); ++i)
    if (Status status = check_sign(cells.signs[i]); !status.ok())
      return wrong_value(concat(key_name(&TableKeys::number_signs), "[", i, "]"), std::move(status));
  for (std::size_t i = 0; i < cells.missing.size(); ++i)
    if (!is_utf8(cells.missing[i]) ||
        std::find(cells.missing.begin(), cells.missing.begin() + static_cast<std::ptrdiff_t>(i),
                  cells.missing[i]) != cells.missing.begin() + static_cast<std::ptrdiff_t>(i))
      return wrong(concat(key_name(&TableKeys::missing_markers), "[", i, "]"), " = ",
                   in_quotes(cells.missing[i]), ", expected UTF-8 text that is listed once");
  return {};
}

std::optional<DateForm> form_of(DateOrder order) {
  switch (order) {
  case DateOrder::kAuto:
    break;
  case DateOrder::kDayFirst:
    return DateForm::kDayFirst;
  case DateOrder::kMonthFirst:
    return DateForm::kMonthFirst;
  }
  return std::nullopt;
}

} // namespace

std::vector<std::string> mentioned_names(const TablePlan& plan) {
  std::vector<std::string> names;
  const auto add = [&](const ColumnRef& column) {
    if (!column.name.empty()) names.push_back(column.name);
  };
  for (const std::optional<ColumnRef>* column :
       {&plan.label, &plan.time, &plan.group, &plan.id, &plan.row_weights, &plan.split_column})
    if (*column) add(**column);
  for (const std::vector<ColumnRef>* columns : {&plan.drop, &plan.categorical, &plan.numeric, &plan.date})
    for (const ColumnRef& column : *columns)
      add(column);
  return names;
}

std::uint16_t bits_of(const std::vector<DateFeature>& features) {
  std::uint16_t bits = 0;
  for (const DateFeature feature : features)
    bits |= bit(feature);
  return bits;
}

Result<TablePlan> table_plan_from(const Options& options, const std::string& directory) {
  TablePlan plan;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TableKeys keys, read_keys<TableKeys>(options));
  plan.train = locate_data(directory, keys.train);
  plan.val = locate_data(directory, keys.val);
  plan.test = locate_data(directory, keys.test_file);
  if (plan.train.empty())
    return wrong(key_name(&TableKeys::train), " is not set, expected the path of a csv or csv.gz file");
  plan.csv.header = keys.header;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_text(keys.separator, key_name(&TableKeys::separator), parse_separator, plan.csv.separator));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_cell_format(keys, plan.cells));
  plan.positive = keys.label_positive;
  plan.label_strip = keys.label_strip;
  plan.classes = keys.label_classes;
  const auto column = [&](OptionValue TableKeys::*member, std::optional<ColumnRef>& ref) {
    return read_column(keys.*member, key_name(member), ref);
  };
  const auto columns = [&](OptionValue TableKeys::*member, std::vector<ColumnRef>& refs) {
    return read_columns(keys.*member, key_name(member), refs);
  };
  // The default of the label is the last column, and a schema says so: only a name or place of it is kept.
  if (options.has_value(key_name(&TableKeys::label_column)))
    TAILOR_RETURN_IF_ERROR_AS_IS(column(&TableKeys::label_column, plan.label));
  TAILOR_RETURN_IF_ERROR_AS_IS(columns(&TableKeys::columns_drop, plan.drop));
  TAILOR_RETURN_IF_ERROR_AS_IS(columns(&TableKeys::columns_categorical, plan.categorical));
  TAILOR_RETURN_IF_ERROR_AS_IS(columns(&TableKeys::columns_numeric, plan.numeric));
  TAILOR_RETURN_IF_ERROR_AS_IS(columns(&TableKeys::columns_date, plan.date));
  TAILOR_RETURN_IF_ERROR_AS_IS(column(&TableKeys::columns_time, plan.time));
  TAILOR_RETURN_IF_ERROR_AS_IS(column(&TableKeys::columns_group, plan.group));
  TAILOR_RETURN_IF_ERROR_AS_IS(column(&TableKeys::columns_id, plan.id));
  TAILOR_RETURN_IF_ERROR_AS_IS(column(&TableKeys::row_weights, plan.row_weights));
  if (!plan.id) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys eval, read_keys<EvalKeys>(options));
    const std::string& id_key = key_name(&EvalKeys::predict_id);
    TAILOR_RETURN_IF_ERROR_AS_IS(read_column(eval.predict_id, id_key, plan.id));
    if (plan.id) plan.id_key = id_key;
  }
  plan.date_order = form_of(keys.date_order);
  if (keys.date_features.empty())
    return wrong(key_name(&TableKeys::date_features), " is empty, expected at least one feature of a date");
  plan.date_features = bits_of(keys.date_features);
  plan.missing = keys.missing;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_split(options, plan));
  return plan;
}

} // namespace tailor::runtime
