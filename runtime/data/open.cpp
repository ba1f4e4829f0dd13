#include "runtime/data/open.h"

#include "runtime/base/exhaustion.h"
#include "runtime/base/row_weight.h"
#include "runtime/base/wording.h"
#include "runtime/data/key_error.h"
#include "runtime/data/long_tail.h"
#include "runtime/options/table_keys.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {
namespace {

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
  return {};
}

/// What a table to score need not have.
struct MayLack {
  bool label = false, row_weights = false;
};

/// The table's further columns are the schema's further inputs.
Status check_columns(const RawTable& table, const DataSchema& schema, MayLack may_lack) {
  std::size_t num_wanted = 0;
  for (const InputColumn& input : schema.inputs()) {
    if (is_encoded(input.name)) continue;
    const auto found =
        std::find_if(table.columns.begin(), table.columns.end(),
                     [&](const DataColumn& column) { return column.input().name == input.name; });
    if (found == table.columns.end() && may_lack.row_weights && input.name == input_names::kRowWeight)
      continue;
    ++num_wanted;
    if (found == table.columns.end())
      return incompatible("'", table.path, "' has no column ", input.describe(), ", its schema has one");
    if (found->input() != input || found->num_rows() != table.num_rows)
      return incompatible("'", table.path, "' has ", found->num_rows(), " rows of column ",
                          found->input().describe(), ", its schema says ", table.num_rows, " of ",
                          input.describe());
  }
  if (table.columns.size() != num_wanted)
    return incompatible("'", table.path, "' has ", table.columns.size(),
                        " columns that need no encoding, its schema has ", num_wanted);
  return {};
}

/// A source may be a user's: what its tables hold must be what its schema says.
Status check_table(const RawTable& table, const DataSchema& schema, MayLack may_lack = {}) {
  const auto rows = static_cast<std::size_t>(table.num_rows);
  const std::size_t numeric = schema.numeric_inputs().size();
  if (table.numeric.size() != numeric || table.num_missing.size() != numeric)
    return incompatible("'", table.path, "' has ", table.numeric.size(), " numeric columns and ",
                        table.num_missing.size(), " counts of missing cells, its schema says ", numeric);
  if (std::ssize(table.category) != schema.num_category())
    return incompatible("'", table.path, "' has ", table.category.size(),
                        " categorical columns, its schema says ", schema.num_category());
  if (table.label.size() != rows && !(may_lack.label && table.label.empty()))
    return incompatible("'", table.path, "' has ", table.label.size(), " labels for ", rows, " rows");
  for (const std::vector<double>& column : table.numeric)
    if (column.size() != rows)
      return incompatible("'", table.path, "' has a column of ", column.size(), " numbers for ", rows,
                          " rows");
  for (const TextColumn& column : table.category)
    if (column.codes.size() != rows)
      return incompatible("'", table.path, "' has a column of ", column.codes.size(), " categories for ",
                          rows, " rows");
  TAILOR_RETURN_IF_ERROR_AS_IS(check_columns(table, schema, may_lack));
  for (const std::int32_t label : table.label)
    if (label < 0 || label >= schema.num_classes)
      return incompatible("'", table.path, "' has the label ", label, ", its schema ", schema.num_classes,
                          " classes");
  return {};
}

Status check_rows(const SourceRows& source, const DataSchema& schema) {
  const std::int64_t train = source.train.num_rows;
  const struct {
    const RawTable& table;
    const std::vector<std::int32_t>& rows;
    std::int64_t num_rows;
    bool own;
  } splits[] = {
      {source.train, source.rows.train, train, true},
      {source.val, source.rows.val, source.own_val ? source.val.num_rows : train, source.own_val},
      {source.test, source.rows.test, source.own_test ? source.test.num_rows : train, source.own_test}};
  for (const auto& split : splits) {
    if (split.own) TAILOR_RETURN_IF_ERROR_AS_IS(check_table(split.table, schema));
    for (const std::int32_t row : split.rows)
      if (row < 0 || row >= split.num_rows)
        return incompatible("'", source.train.path, "' gives row ", row, " of ", split.num_rows,
                            " to a split");
  }
  return {};
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

/// Something must be learnt of every class.
Status check_weights(const RawTable& table, const std::vector<std::int32_t>& rows, const DataSchema& schema,
                     std::vector<std::string>& warnings) {
  const Column* column = schema.row_weight();
  if (!column) return {};
  const auto found = std::find_if(table.columns.begin(), table.columns.end(), [](const DataColumn& given) {
    return given.input().name == input_names::kRowWeight;
  });
  const std::span<const float> weights = found->values<float>();
  std::vector<double> of_class(static_cast<std::size_t>(schema.num_classes), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!(weights[i] >= 0 &&
          weights[i] <= kMaxRowWeight)) // of a source of one's own; a file's cells were checked
      return invalid_argument("row ", i, " of '", table.path, "' has the row weight ", weights[i],
                              ", expected a number from 0 to 1e30");
  for (const std::int32_t row : rows)
    of_class[static_cast<std::size_t>(table.label[static_cast<std::size_t>(row)])] +=
        weights[static_cast<std::size_t>(row)];
  if (std::all_of(of_class.begin(), of_class.end(), [](double sum) { return sum == 0; }))
    return invalid_argument("the row weights in column '", column->name, "' are 0 in all ", rows.size(),
                            " rows of the training split of '", table.path, "'")
        .about(key_name(&TableKeys::row_weights));
  for (std::size_t k = 0; k < of_class.size(); ++k)
    if (of_class[k] == 0)
      warnings.push_back(concat("every training row of class '", schema.class_names[k],
                                "' has row weight 0 in column '", column->name,
                                "': nothing is learnt of the class"));
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

void warn_of_lost_spacing(const SourceRows& sources, const DataSchema& schema, DataBundle& bundle) {
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

/// "'train.csv', 'test.csv'": what a source reads, for messages.
std::string names_of_files(const DataSource& source) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> names;
  for (const auto& [what, path] : source.files())
    if (!path.empty()) names.push_back(concat("'", path, "'"));
  if (names.empty()) return "the data";
  const std::size_t more = names.size() - std::min(names.size(), kShown);
  names.resize(names.size() - more);
  return concat(listed(names), more > 0 ? concat(" and ", more, " more files") : std::string());
}

} // namespace

Result<DataSchema> schema_of(const DataPlan& plan, SchemaNotes* notes) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(DataSchema schema, plan.source->schema(notes));
  schema.numeric = word_of(plan.normalisation);
  TAILOR_RETURN_IF_ERROR_AS_IS(check_schema(schema));
  return schema;
}

Result<DataBundle> open_data(const DataPlan& plan, const DataSchema& schema, const OpenOptions& options) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_plan(plan, schema));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      SourceRows sources, with_exhaustion_as_status(concat("reading ", names_of_files(*plan.source)), [&] {
        return plan.source->read(schema, options.run_seed);
      }));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_rows(sources, schema));
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
  TAILOR_RETURN_IF_ERROR_AS_IS(check_weights(sources.train, sources.rows.train, schema, bundle.warnings));
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
  if (const Column* weights = schema.row_weight())
    bundle.notes.push_back(concat("column '", weights->name,
                                  "' weighs the rows in the training loss; metrics count every row alike"));

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
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const RawTable table, plan.source->read_file(path, schema, need_label));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_table(table, schema, {.label = !need_label, .row_weights = true}));
  EncodeReport report;
  TAILOR_ASSIGN_OR_RETURN(Dataset data, encode(table, all_rows(table.num_rows), schema, fitted, &report),
                          concat("'", path, "'"));
  if (notes) {
    note_unknown("data", schema, report, *notes);
    if (std::string note = missing_note(schema, report, data.num_rows); !note.empty())
      notes->push_back(std::move(note));
  }
  return data;
}

} // namespace tailor::runtime
