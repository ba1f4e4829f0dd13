#include "runtime/data/plan.h"

#include "runtime/base/file.h"
#include "runtime/data/text.h"

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

Status read_column(const Options& options, std::string_view key, std::optional<ColumnRef>& column) {
  if (!options.has_value(key)) return {};
  const OptionValue& value = options.find(key)->value;
  if (value.as_string() && value.as_string()->empty()) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(column, column_ref(value, key));
  return {};
}

Status read_columns(const Options& options, std::string_view key, std::vector<ColumnRef>& columns) {
  if (!options.has_value(key)) return {};
  const OptionValue& value = options.find(key)->value;
  if (!value.as_list()) return wrong(key, " is a ", value.kind_name(), ", expected a list of columns");
  for (const OptionValue& entry : *value.as_list()) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(ColumnRef column, column_ref(entry, key));
    columns.push_back(std::move(column));
  }
  return {};
}

/// An integer key with bounds; `otherwise` if unset.
template <class Int>
Status read_int(const Options& options, std::string_view key, std::int64_t min, std::int64_t max,
                Int& value) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int64_t number,
                                options.get_int(key, static_cast<std::int64_t>(value)));
  if (number < min || number > max) return wrong(key, " = ", number, ", expected ", min, " to ", max);
  value = static_cast<Int>(number);
  return {};
}

Status read_number(const Options& options, std::string_view key, double& value) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(value, options.get_number(key, value));
  return {};
}

/// A seed: an integer, or "run_seed" for the one of the run.
Status read_seed(const Options& options, std::string_view key, std::uint64_t& seed, bool& follows_run) {
  const Option* option = options.find(key);
  if (!option || !option->value.as_string()) return read_int(options, key, 0, INT64_MAX, seed);
  if (*option->value.as_string() != "run_seed")
    return wrong(key, " = '", *option->value.as_string(), "', expected an integer or \"run_seed\"");
  follows_run = true;
  return {};
}

/// A word key read by `parse`, which knows the words.
template <class T, class Parse>
Status read_word(const Options& options, std::string_view key, Parse parse, T& value) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string word, options.get_string(key, std::string()));
  if (word.empty()) return {};
  Result<T> parsed = parse(word);
  if (!parsed.ok()) return wrong_value(key, std::move(parsed).status());
  value = *std::move(parsed);
  return {};
}

template <class T> struct Word {
  const char* name;
  T value;
};

template <class T, std::size_t N> auto one_of(const Word<T> (&words)[N]) {
  return [&words](std::string_view name) -> Result<T> {
    std::string known;
    for (const Word<T>& word : words) {
      if (name == word.name) return word.value;
      known += concat(known.empty() ? "" : " | ", word.name);
    }
    return invalid_argument("'", name, "', expected ", known);
  };
}

constexpr Word<DataFormat> kFormats[] = {
    {"csv", DataFormat::kCsv}, {"two_moons", DataFormat::kTwoMoons}, {"blobs", DataFormat::kBlobs}};
constexpr Word<CsvFormat::Header> kHeaders[] = {
    {"auto", CsvFormat::Header::kAuto}, {"yes", CsvFormat::Header::kYes}, {"no", CsvFormat::Header::kNo}};
constexpr Word<std::optional<DateForm>> kDateOrders[] = {
    {"auto", std::nullopt}, {"day_first", DateForm::kDayFirst}, {"month_first", DateForm::kMonthFirst}};
constexpr Word<MissingPolicy> kMissing[] = {
    {"error", MissingPolicy::kError}, {"mean", MissingPolicy::kMean}, {"flag", MissingPolicy::kFlag}};
constexpr Word<SplitBy> kSplits[] = {{"stratified", SplitBy::kStratified},
                                     {"group", SplitBy::kGroup},
                                     {"time", SplitBy::kTime},
                                     {"files", SplitBy::kFiles}};
constexpr Word<TailSize> kSizes[] = {{"fixed_max", TailSize::kFixedMax},
                                     {"fixed_total", TailSize::kFixedTotal},
                                     {"fixed_minority", TailSize::kFixedMinority}};
constexpr Word<MinorityCount> kMinorityCounts[] = {{"total", MinorityCount::kTotal},
                                                   {"per_class", MinorityCount::kPerClass}};
constexpr Word<bool> kClassOrders[] = {{"index", false}, {"shuffled", true}};
constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;

Status read_long_tail(const Options& options, std::optional<LongTailSpec>& result) {
  LongTailSpec tail;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string profile, options.get_string("data.long_tail.profile", ""));
  if (profile.empty()) {
    if (!is_default(options, "data.long_tail.r"))
      return wrong("data.long_tail.r", " is set without data.long_tail.profile")
          .with_hint("profile = \"exp\" is the usual one");
    return {};
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_word(options, "data.long_tail.profile", parse_tail_profile, tail.profile));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.long_tail.r", tail.r));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(tail.reversed, options.get_bool("data.long_tail.reversed", false));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.long_tail.step_at", 0, INT32_MAX, tail.split_at));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.long_tail.a", tail.a));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.long_tail.b", tail.b));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.long_tail.alpha", tail.alpha));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.long_tail.size", one_of(kSizes), tail.size));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.long_tail.n_max", 0, kMaxCount, tail.n_max));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.long_tail.total", 0, kMaxCount, tail.total));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.long_tail.minority", 0, kMaxCount, tail.minority));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_word(options, "data.long_tail.minority_count", one_of(kMinorityCounts), tail.minority_count));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_int(options, "data.long_tail.min_per_class", 0, kMaxCount, tail.min_per_class));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_word(options, "data.long_tail.class_order", one_of(kClassOrders), tail.shuffle_classes));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_int(options, "data.long_tail.class_order_seed", 0, INT64_MAX, tail.class_order_seed));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_seed(options, "data.long_tail.subset_seed", tail.subset_seed, tail.subset_follows_run));
  if (Status status = check_long_tail(tail); !status.ok())
    return wrong_value("data.long_tail.r", std::move(status));
  result = tail;
  return {};
}

/// The test split has its own profile and ratio; the profile defaults to that of the training split.
Status read_test_tail(const Options& options, DataPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string profile, options.get_string("data.test.profile", ""));
  LongTailSpec tail = plan.long_tail.value_or(LongTailSpec{});
  tail.size = TailSize::kFixedMax;
  tail.n_max = 0;
  tail.r = 1.0;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.test.r", tail.r));
  if (profile.empty()) {
    if (tail.r == 1.0) return {};
    if (!plan.long_tail)
      return wrong("data.test.r", " is set without data.test.profile")
          .with_hint("profile = \"exp\" is the usual one");
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.test.profile", parse_tail_profile, tail.profile));
  if (Status status = check_long_tail(tail); !status.ok())
    return wrong_value("data.test.r", std::move(status));
  plan.test_long_tail = tail;
  return {};
}

Status read_split(const Options& options, DataPlan& plan) {
  SplitSpec& split = plan.split;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.split.by", one_of(kSplits), split.by));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.split.val", split.val));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.split.test", split.test));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.split.seed", 0, INT64_MAX, split.seed));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_seed(options, "data.split.val_seed", split.val_seed, split.val_follows_run));
  if (!plan.test.empty()) {
    split.test = 0;
    if (is_default(options, "data.split.val")) split.val = defaults::kValShareBesideTestFile;
  }
  if (!plan.val.empty()) split.val = 0;
  if (split.by == SplitBy::kFiles) {
    if (plan.val.empty() && plan.test.empty())
      return wrong("data.split.by", " = \"files\" needs data.val or data.test");
    split.val = split.test = 0;
  }
  if (Status status = check_fractions(split.val, split.test); !status.ok())
    return wrong_value("data.split.val", std::move(status));
  std::optional<ColumnRef> column;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_column(options, "data.split.column", column));
  const auto set_column = [&](std::optional<ColumnRef>& known, std::string& key) {
    if (known) {
      plan.split_column = column;
    } else {
      known = column;
      key = "data.split.column";
    }
  };
  if (split.by == SplitBy::kGroup && column) set_column(plan.group, plan.group_key);
  if (split.by == SplitBy::kTime && column) set_column(plan.time, plan.time_key);
  if (split.by == SplitBy::kGroup && !plan.group)
    return wrong("data.split.by", " = \"group\" needs data.split.column or data.columns.group");
  if (split.by == SplitBy::kTime && !plan.time)
    return wrong("data.split.by", " = \"time\" needs data.split.column or data.columns.time");
  return {};
}

Status read_cell_format(const Options& options, CellFormat& cells) {
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.decimal", parse_decimal, cells.number.decimal));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.thousands", parse_thousands, cells.number.thousands));
  if (cells.number.decimal == cells.number.thousands)
    return wrong("data.thousands", " = \"", cells.number.thousands, "\" is also data.decimal");
  if (options.has_value("data.number_signs")) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(cells.signs, options.get_strings("data.number_signs"));
  }
  if (options.has_value("data.missing_markers")) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(cells.missing, options.get_strings("data.missing_markers"));
  }
  for (std::size_t i = 0; i < cells.signs.size(); ++i)
    if (Status status = check_sign(cells.signs[i]); !status.ok())
      return wrong_value(concat("data.number_signs[", i, "]"), std::move(status));
  for (std::size_t i = 0; i < cells.missing.size(); ++i)
    if (!is_utf8(cells.missing[i]) ||
        std::find(cells.missing.begin(), cells.missing.begin() + static_cast<std::ptrdiff_t>(i),
                  cells.missing[i]) != cells.missing.begin() + static_cast<std::ptrdiff_t>(i))
      return wrong(concat("data.missing_markers[", i, "]"), " = ", in_quotes(cells.missing[i]),
                   ", expected UTF-8 text that is listed once");
  return {};
}

Status read_date_features(const Options& options, std::uint16_t& features) {
  constexpr const char* kKey = "data.date_features";
  if (!options.has_value(kKey)) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::string> words, options.get_strings(kKey));
  if (words.empty()) return wrong(kKey, " is empty, expected at least one feature of a date");
  features = 0;
  for (const std::string& word : words) {
    int feature = 0;
    while (feature < kNumDateFeatures && word != to_string(static_cast<DateFeature>(feature)))
      ++feature;
    if (feature == kNumDateFeatures)
      return wrong(kKey, " names '", word, "', expected elapsed, year, month, day, day_of_week or hour");
    features |= bit(static_cast<DateFeature>(feature));
  }
  return {};
}

Status read_table_keys(const Options& options, const std::string& directory, DataPlan& plan) {
  const auto read_path = [&](std::string_view key, std::string& path) -> Status {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(path, options.get_string(key, std::string()));
    if (!path.empty()) path = join_path(directory, path);
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(read_path("data.train", plan.train));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_path("data.val", plan.val));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_path("data.test.file", plan.test));
  if (plan.train.empty())
    return wrong("data.train", " is not set, expected the path of a csv or csv.gz file");
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.header", one_of(kHeaders), plan.csv.header));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.separator", parse_separator, plan.csv.separator));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_cell_format(options, plan.cells));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_column(options, "data.label.column", plan.label));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.positive, options.get_string("data.label.positive", std::string()));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.label_strip, options.get_string("data.label.strip", std::string()));
  if (options.has_value("data.label.classes")) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.classes, options.get_strings("data.label.classes"));
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(read_columns(options, "data.columns.drop", plan.drop));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_columns(options, "data.columns.categorical", plan.categorical));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_columns(options, "data.columns.numeric", plan.numeric));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_column(options, "data.columns.time", plan.time));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_column(options, "data.columns.group", plan.group));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_column(options, "data.columns.id", plan.id));
  if (!plan.id) {
    TAILOR_RETURN_IF_ERROR_AS_IS(read_column(options, "eval.predict.id", plan.id));
    plan.id_key = plan.id ? "eval.predict.id" : plan.id_key;
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(read_columns(options, "data.columns.date", plan.date));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.date_order", one_of(kDateOrders), plan.date_order));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_date_features(options, plan.date_features));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.missing", one_of(kMissing), plan.missing));
  return read_split(options, plan);
}

Status read_generated_keys(const Options& options, DataPlan& plan) {
  GeneratedSpec& set = plan.generated;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_int(options, "data.samples_per_class", 1, INT32_MAX, set.train_per_class));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.val_per_class", 1, INT32_MAX, set.val_per_class));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.test_per_class", 1, INT32_MAX, set.test_per_class));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.seed", 0, INT64_MAX, set.seed));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.noise", set.noise));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.separation", set.separation));
  if (plan.format == DataFormat::kBlobs) {
    set.classes = defaults::kClasses;
    TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.classes", 2, INT32_MAX, set.classes));
    TAILOR_RETURN_IF_ERROR_AS_IS(read_int(options, "data.dimensions", 1, INT32_MAX, set.dimensions));
  }
  return {};
}

} // namespace

Result<MissingPolicy> parse_missing_policy(std::string_view name) {
  return one_of(kMissing)(name);
}

const char* to_string(MissingPolicy policy) {
  return kMissing[static_cast<std::size_t>(policy)].name;
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
  DataPlan plan;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.format", one_of(kFormats), plan.format));
  if (plan.format == DataFormat::kCsv)
    TAILOR_RETURN_IF_ERROR_AS_IS(read_table_keys(options, directory, plan));
  else
    TAILOR_RETURN_IF_ERROR_AS_IS(read_generated_keys(options, plan));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.numeric", parse_normalisation, plan.normalisation));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_long_tail(options, plan.long_tail));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_test_tail(options, plan));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "data.sampler", parse_sampler_kind, plan.sampler.kind));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_number(options, "data.sampler_beta", plan.sampler.beta));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.sampler.drop_last, options.get_bool("run.drop_last", false));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_word(options, "eval.groups", parse_group_rule, plan.groups));
  return plan;
}

} // namespace tailor::runtime
