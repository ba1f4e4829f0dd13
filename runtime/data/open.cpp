#include "runtime/data/open.h"

#include "runtime/data/long_tail.h"

#include <algorithm>
#include <numeric>

namespace tailor::runtime {
namespace {

std::vector<std::int32_t> all_rows(const RawTable& table) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(table.num_rows));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<std::int64_t> count_classes(const RawTable& table, std::span<const std::int32_t> rows,
                                        std::int32_t num_classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(num_classes), 0);
  for (const std::int32_t row : rows)
    ++counts[static_cast<std::size_t>(table.label[static_cast<std::size_t>(row)])];
  return counts;
}

/// The schema must be the one the plan's options describe: both come from the same compilation.
Status check_plan(const DataPlan& plan, const DataSchema& schema) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_schema(schema));
  if (schema.numeric != word_of(plan.normalisation))
    return incompatible("the program was compiled for ", key_name(&DataKeys::numeric), " = \"",
                        schema.numeric, "\", the options say \"", word_of(plan.normalisation), "\"");
  if (plan.format != DataFormat::kCsv &&
      (schema.num_numeric() != plan.generated.dimensions || schema.num_classes != plan.generated.classes))
    return incompatible("the program was compiled for ", schema.num_classes, " classes in ",
                        schema.num_numeric(), " dimensions, the options ask for ", plan.generated.classes,
                        " in ", plan.generated.dimensions);
  return {};
}

Result<RawTable> generate(const DataPlan& plan, GeneratedPart part) {
  const bool moons = plan.format == DataFormat::kTwoMoons;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(GeneratedRows rows, moons ? generate_two_moons(plan.generated, part)
                                                          : generate_blobs(plan.generated, part));
  RawTable table;
  table.path = moons ? "two_moons" : "blobs";
  table.num_rows = std::ssize(rows.label);
  for (const std::vector<float>& column : rows.numeric)
    table.numeric.emplace_back(column.begin(), column.end());
  table.num_missing.resize(table.numeric.size());
  table.label = std::move(rows.label);
  return table;
}

/// Where the rows of each split are: `val` and `test` only when they are files of their own.
struct Sources {
  RawTable train, val, test;
  bool own_val = false, own_test = false;
  SplitRows rows;
};

Result<SplitRows> split(const RawTable& table, const DataPlan& plan, std::int32_t num_classes,
                        std::uint64_t run_seed) {
  SplitSpec spec = plan.split;
  if (spec.val_follows_run) spec.val_seed = run_seed;
  switch (spec.by) {
  case SplitBy::kGroup:
    if (table.group.codes.empty())
      return invalid_argument("'", table.path, "' has no group column to split by");
    return split_by_group(table.group.codes, spec);
  case SplitBy::kTime:
    if (table.time.empty()) return invalid_argument("'", table.path, "' has no time column to split by");
    return split_by_time(table.time, spec);
  case SplitBy::kStratified:
  case SplitBy::kFiles:
    break;
  }
  return split_stratified(table.label, num_classes, spec);
}

/// A failure is about the key that led there, unless it knows a nearer one.
template <class Keys, class Member> Status of_key(Member Keys::*key, const char* what, Status status) {
  if (status.ok()) return status;
  status = std::move(status).with_context(what);
  return status.key().empty() ? std::move(status).about(key_name(key)) : status;
}
template <class Keys, class Member, class T>
Result<T> of_key(Member Keys::*key, const char* what, Result<T> result) {
  if (result.ok()) return result;
  return of_key(key, what, std::move(result).status());
}

/// No group of the training file may turn up in a file of its own.
Status check_groups(const RawTable& train, const RawTable& other) {
  std::vector<std::string> known = train.group.values;
  std::sort(known.begin(), known.end());
  for (const std::string& group : other.group.values)
    if (std::binary_search(known.begin(), known.end(), group))
      return invalid_argument("group '", group, "' is in '", train.path, "' and in '", other.path,
                              "', expected every group in one split");
  return {};
}

Result<Sources> read_sources(const DataPlan& plan, const DataSchema& schema, std::uint64_t run_seed) {
  Sources sources;
  if (plan.format != DataFormat::kCsv) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.train, generate(plan, GeneratedPart::kTrain));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.val, generate(plan, GeneratedPart::kVal));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.test, generate(plan, GeneratedPart::kTest));
    sources.own_val = sources.own_test = true;
    sources.rows = {all_rows(sources.train), all_rows(sources.val), all_rows(sources.test)};
    return sources;
  }
  const ReadOptions read{.csv = plan.csv};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.train, of_key(&TableKeys::train, "reading the training table",
                                                      read_table(plan.train, schema, read)));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.rows,
                                of_key(&SplitKeys::by, "splitting the training table",
                                       split(sources.train, plan, schema.num_classes, run_seed)));
  if (!plan.val.empty()) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.val, of_key(&TableKeys::val, "reading the validation table",
                                                      read_table(plan.val, schema, read)));
    sources.own_val = true;
    sources.rows.val = all_rows(sources.val);
    TAILOR_RETURN_IF_ERROR_AS_IS(check_groups(sources.train, sources.val));
  }
  if (!plan.test.empty()) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(sources.test, of_key(&TableKeys::test_file, "reading the test table",
                                                       read_table(plan.test, schema, read)));
    sources.own_test = true;
    sources.rows.test = all_rows(sources.test);
    TAILOR_RETURN_IF_ERROR_AS_IS(check_groups(sources.train, sources.test));
  }
  return sources;
}

Status check_classes(const DataSchema& schema, const std::vector<std::int64_t>& counts,
                     const std::string& path) {
  for (std::size_t k = 0; k < counts.size(); ++k)
    if (counts[k] == 0)
      return invalid_argument("class '", schema.class_names[k], "' has no row in the training split of '",
                              path, "'")
          .with_hint(concat("leave the class out of ", key_name(&TableKeys::label_classes),
                            ", or check the split and the long tail"));
  return {};
}

void note_unknown(const char* split, const DataSchema& schema, const EncodeReport& report,
                  std::vector<std::string>& notes) {
  std::size_t category = 0;
  for (const Column& column : schema.columns)
    if (column.role == ColumnRole::kCategorical)
      if (const std::int64_t count = report.unknown_categories[category++]; count > 0)
        notes.push_back(concat(split, ": ", count, " cells of column '", column.name,
                               "' hold a category that training never saw (coded as unknown)"));
}

void warn_of_lost_spacing(const Sources& sources, const DataSchema& schema, DataBundle& bundle) {
  for (const LostSpacing& lost :
       lost_spacing(sources.train, sources.rows.train, schema, bundle.fitted.numeric))
    bundle.warnings.push_back(
        concat("the ", lost.resolution.num_values, " different values of column '", lost.column, "' become ",
               lost.resolution.num_features, " features: ", key_name(&DataKeys::numeric), " = \"",
               schema.numeric, "\" leaves them closer together than f32 can tell apart; \"",
               schema.numeric == "none" ? "standard\" subtracts the offset first, \"" : "", "quantile\" ",
               "spreads them"));
}

/// What was done with the cells that had no value; empty if every cell had one.
std::string missing_note(const DataSchema& schema, const EncodeReport& report, std::int64_t num_rows) {
  std::int64_t total = 0;
  std::string columns;
  bool flags = false;
  std::size_t numeric = 0;
  for (const Column& column : schema.columns) {
    if (column.role != ColumnRole::kNumeric && column.role != ColumnRole::kDate) continue;
    // A date is missing in all its inputs at once.
    const std::int64_t count = report.imputed[numeric];
    numeric += column.role == ColumnRole::kDate
                   ? static_cast<std::size_t>(num_date_inputs(column.date_features))
                   : 1;
    if (count == 0) continue;
    total += count;
    flags |= column.missing_flag;
    columns += concat(columns.empty() ? "'" : ", '", column.name, "' (", count, ")");
  }
  if (total == 0) return "";
  return concat(total, " cells of ", num_rows, " rows had no value: ", columns,
                "; set to the mean of the training split",
                flags ? ", with a flag where training had one" : "");
}

} // namespace

Result<DataBundle> open_data(const DataPlan& plan, const DataSchema& schema, const OpenOptions& options) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_plan(plan, schema));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(Sources sources, read_sources(plan, schema, options.run_seed));
  DataBundle bundle;

  const auto cut = [&](const LongTailSpec& spec, const RawTable& table,
                       std::vector<std::int32_t>& rows) -> Status {
    LongTailSpec tail = spec;
    if (tail.subset_follows_run) tail.subset_seed = options.run_seed;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows, long_tail_rows(tail, rows, table.label, schema.num_classes));
    return {};
  };
  const RawTable& val = sources.own_val ? sources.val : sources.train;
  const RawTable& test = sources.own_test ? sources.test : sources.train;
  if (plan.long_tail)
    TAILOR_RETURN_IF_ERROR_AS_IS(of_key(&LongTailKeys::r, "cutting data.long_tail",
                                        cut(*plan.long_tail, sources.train, sources.rows.train)));
  if (plan.test_long_tail && !sources.rows.test.empty())
    TAILOR_RETURN_IF_ERROR_AS_IS(of_key(&TestTailKeys::r, "cutting the test split",
                                        cut(*plan.test_long_tail, test, sources.rows.test)));

  const std::vector<std::int64_t> counts =
      count_classes(sources.train, sources.rows.train, schema.num_classes);
  TAILOR_RETURN_IF_ERROR_AS_IS(check_classes(schema, counts, sources.train.path));
  if (options.fitted) {
    TAILOR_RETURN_IF_ERROR_AS_IS(options.fitted->check(schema));
    if (options.fitted->class_counts != counts)
      return incompatible("the class counts of the training split of '", sources.train.path,
                          "' are not those of the checkpoint: the data or data.* options changed");
    bundle.fitted = *options.fitted;
  } else {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(bundle.fitted,
                                  fit(sources.train, sources.rows.train, schema, plan.normalisation));
  }
  warn_of_lost_spacing(sources, schema, bundle);

  const auto encode_split = [&](const char* name, const RawTable& table, std::vector<std::int32_t>& rows,
                                Dataset& data) -> Status {
    EncodeReport report;
    TAILOR_ASSIGN_OR_RETURN(data, encode(table, rows, schema, bundle.fitted, &report), name);
    note_unknown(name, schema, report, bundle.notes);
    if (const std::string note = missing_note(schema, report, data.num_rows); !note.empty())
      bundle.notes.push_back(concat(name, ": ", note));
    return {};
  };
  const auto note_peak = [&] {
    const std::uint64_t held = bytes_of(sources.train) + bytes_of(sources.val) + bytes_of(sources.test) +
                               bytes_of(bundle.train) + bytes_of(bundle.val) + bytes_of(bundle.test);
    bundle.peak_bytes = std::max(bundle.peak_bytes, held);
  };
  // A table goes as soon as no split needs it.
  TAILOR_RETURN_IF_ERROR_AS_IS(encode_split("train", sources.train, sources.rows.train, bundle.train));
  note_peak();
  if (sources.own_val && sources.own_test) sources.train = {};
  TAILOR_RETURN_IF_ERROR_AS_IS(encode_split("val", val, sources.rows.val, bundle.val));
  note_peak();
  sources.val = {};
  if (sources.own_test) sources.train = {};
  TAILOR_RETURN_IF_ERROR_AS_IS(encode_split("test", test, sources.rows.test, bundle.test));
  note_peak();
  return bundle;
}

Result<Dataset> open_extra(const std::string& path, const DataPlan& plan, const DataSchema& schema,
                           const FittedState& fitted, bool need_label, std::vector<std::string>* notes) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_schema(schema));
  if (plan.format != DataFormat::kCsv)
    return invalid_argument("'", path, "': this program was compiled for a generated set and reads no file");
  const ReadOptions read{.csv = plan.csv, .need_label = need_label};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const RawTable table, read_table(path, schema, read));
  EncodeReport report;
  TAILOR_ASSIGN_OR_RETURN(Dataset data, encode(table, all_rows(table), schema, fitted, &report),
                          concat("'", path, "'"));
  if (notes) {
    note_unknown("data", schema, report, *notes);
    if (std::string note = missing_note(schema, report, data.num_rows); !note.empty())
      notes->push_back(std::move(note));
  }
  return data;
}

} // namespace tailor::runtime
