#include "runtime/data/plan.h"

#include "runtime/base/file.h"
#include "runtime/data/text.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/generated_keys.h"
#include "runtime/options/long_tail_keys.h"
#include "runtime/options/split_keys.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// An error about the value of `key`: the key comes first, whoever has the recipe shows its place.
template <class... Parts> Status wrong(std::string_view key, const Parts&... parts) {
  return invalid_argument(key, parts...).about(std::string(key));
}
Status wrong_value(std::string_view key, Status status) {
  const std::string about = status.key().empty() ? std::string(key) : status.key();
  return std::move(status).with_context(about).about(about);
}

bool is_default(const Options& options, std::string_view key) {
  const Option* option = options.find(key);
  return !option || option->origin == "default";
}

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

/// A seed: an integer, or "run_seed" for the one of the run.
void read_seed(const OptionValue& value, std::uint64_t& seed, bool& follows_run) {
  follows_run = value.as_string() != nullptr;
  if (value.as_int()) seed = static_cast<std::uint64_t>(*value.as_int());
}

/// A key whose text `parse` understands.
template <class T, class Parse>
Status read_text(const std::string& text, std::string_view key, Parse parse, T& value) {
  Result<T> parsed = parse(text);
  if (!parsed.ok()) return wrong_value(key, std::move(parsed).status());
  value = *std::move(parsed);
  return {};
}

Status read_long_tail(const Options& options, std::optional<LongTailSpec>& result) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const LongTailKeys keys, read_keys<LongTailKeys>(options));
  const std::string& ratio_key = key_name(&LongTailKeys::r);
  if (!keys.profile) {
    if (!is_default(options, ratio_key))
      return wrong(ratio_key, " is set without ", key_name(&LongTailKeys::profile))
          .with_hint("profile = \"exp\" is the usual one");
    return {};
  }
  LongTailSpec tail;
  tail.profile = *keys.profile;
  tail.r = keys.r;
  tail.reversed = keys.reversed;
  tail.split_at = keys.step_at;
  tail.a = keys.a;
  tail.b = keys.b;
  tail.alpha = keys.alpha;
  tail.size = keys.size;
  tail.n_max = keys.n_max;
  tail.total = keys.total.value_or(0);
  tail.minority = keys.minority.value_or(0);
  tail.minority_count = keys.minority_count;
  tail.min_per_class = keys.min_per_class;
  tail.shuffle_classes = keys.class_order == ClassOrder::kShuffled;
  tail.class_order_seed = static_cast<std::uint64_t>(keys.class_order_seed);
  read_seed(keys.subset_seed, tail.subset_seed, tail.subset_follows_run);
  if (Status status = check_long_tail(tail); !status.ok()) return wrong_value(ratio_key, std::move(status));
  result = tail;
  return {};
}

/// The test split has its own profile and ratio; the profile defaults to that of the training split.
Status read_test_tail(const Options& options, DataPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TestTailKeys keys, read_keys<TestTailKeys>(options));
  LongTailSpec tail = plan.long_tail.value_or(LongTailSpec{});
  tail.size = TailSize::kFixedMax;
  tail.n_max = 0;
  tail.r = keys.r;
  const std::string& ratio_key = key_name(&TestTailKeys::r);
  if (!keys.profile) {
    if (tail.r == 1.0) return {};
    if (!plan.long_tail)
      return wrong(ratio_key, " is set without ", key_name(&TestTailKeys::profile))
          .with_hint("profile = \"exp\" is the usual one");
  }
  tail.profile = keys.profile.value_or(tail.profile);
  if (Status status = check_long_tail(tail); !status.ok()) return wrong_value(ratio_key, std::move(status));
  plan.test_long_tail = tail;
  return {};
}

Status read_split(const Options& options, DataPlan& plan) {
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
      return wrong(by_key, " = \"files\" needs ", key_name(&TableKeys::val), " or data.test");
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

Status read_table_keys(const Options& options, const std::string& directory, DataPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TableKeys keys, read_keys<TableKeys>(options));
  const auto path = [&](const std::string& text) { return text.empty() ? text : join_path(directory, text); };
  plan.train = path(keys.train);
  plan.val = path(keys.val);
  plan.test = path(keys.test_file);
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
  return read_split(options, plan);
}

Status read_generated_keys(const Options& options, DataPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const GeneratedKeys keys, read_keys<GeneratedKeys>(options));
  GeneratedSpec& set = plan.generated;
  set.train_per_class = keys.samples_per_class;
  set.val_per_class = keys.val_per_class;
  set.test_per_class = keys.test_per_class;
  set.seed = static_cast<std::uint64_t>(keys.seed);
  set.noise = keys.noise;
  set.separation = keys.separation;
  if (plan.format == DataFormat::kBlobs) {
    set.classes = static_cast<std::int32_t>(keys.classes);
    set.dimensions = static_cast<std::int32_t>(keys.dimensions);
  }
  return {};
}

constexpr std::pair<const char*, DataFormat> kFormats[] = {
    {"csv", DataFormat::kCsv}, {"two_moons", DataFormat::kTwoMoons}, {"blobs", DataFormat::kBlobs}};

} // namespace

std::uint16_t bits_of(const std::vector<DateFeature>& features) {
  std::uint16_t bits = 0;
  for (const DateFeature feature : features)
    bits |= bit(feature);
  return bits;
}

std::vector<std::string> mentioned_names(const DataPlan& plan) {
  std::vector<std::string> names;
  const auto add = [&](const ColumnRef& column) {
    if (!column.name.empty()) names.push_back(column.name);
  };
  for (const std::optional<ColumnRef>* column :
       {&plan.label, &plan.time, &plan.group, &plan.id, &plan.split_column})
    if (*column) add(**column);
  for (const std::vector<ColumnRef>* columns : {&plan.drop, &plan.categorical, &plan.numeric, &plan.date})
    for (const ColumnRef& column : *columns)
      add(column);
  return names;
}

Status at_option(const Options& options, Status status) {
  const std::string key = status.key().substr(0, status.key().find('[')); // of a list, an element
  const Option* option = options.find(key);
  if (status.ok() || !option || option->origin.empty() || option->origin == "default") return status;
  return std::move(status).with_context(option->origin);
}

Result<DataPlan> data_plan_from(const Options& options, const std::string& directory) {
  Result<DataPlan> plan = read_data_plan(options, directory);
  if (plan.ok()) return plan;
  return at_option(options, std::move(plan).status());
}

Result<DataPlan> read_data_plan(const Options& options, const std::string& directory) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataKeys keys, read_keys<DataKeys>(options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys eval, read_keys<EvalKeys>(options));
  DataPlan plan;
  for (const auto& [name, format] : kFormats)
    if (keys.format == name) plan.format = format;
  if (plan.format == DataFormat::kCsv)
    TAILOR_RETURN_IF_ERROR_AS_IS(read_table_keys(options, directory, plan));
  else
    TAILOR_RETURN_IF_ERROR_AS_IS(read_generated_keys(options, plan));
  plan.normalisation = keys.numeric;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_long_tail(options, plan.long_tail));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_test_tail(options, plan));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_text(eval.groups, key_name(&EvalKeys::groups), parse_group_rule, plan.groups));
  return plan;
}

} // namespace tailor::runtime
