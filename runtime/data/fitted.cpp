#include "runtime/data/fitted.h"

#include "runtime/base/options.h"
#include "runtime/base/wording.h"
#include "runtime/data/profile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tailor::runtime {
namespace {

std::vector<const Column*> columns_of(const DataSchema& schema, ColumnRole role) {
  std::vector<const Column*> columns;
  for (const Column& column : schema.columns)
    if (column.role == role) columns.push_back(&column);
  return columns;
}

OptionValue list_of(const std::vector<double>& values) {
  return OptionValue::List(values.begin(), values.end());
}

OptionValue list_of(const std::vector<std::string>& values) {
  return OptionValue::List(values.begin(), values.end());
}

Result<const OptionValue::List*> list_member(const OptionValue& table, std::string_view key) {
  const OptionValue* value = table.find(key);
  if (!value || !value->as_list())
    return data_loss("fitted state: '", key, "' is ", value ? value->kind_name() : "not there",
                     ", expected a list");
  return value->as_list();
}

Result<std::vector<double>> numbers(const OptionValue& table, std::string_view key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue::List* list, list_member(table, key));
  std::vector<double> values;
  values.reserve(list->size());
  for (const OptionValue& entry : *list) {
    const std::optional<double> number = entry.as_number();
    if (!number)
      return data_loss("fitted state: an entry of '", key, "' is a ", entry.kind_name(),
                       ", expected a number");
    values.push_back(*number);
  }
  return values;
}

Result<std::vector<std::string>> texts(const OptionValue::List& list, std::string_view key) {
  std::vector<std::string> values;
  values.reserve(list.size());
  for (const OptionValue& entry : list) {
    if (!entry.as_string())
      return data_loss("fitted state: an entry of '", key, "' is a ", entry.kind_name(),
                       ", expected a string");
    values.push_back(*entry.as_string());
  }
  return values;
}

Result<Vocabulary> fit_vocabulary(const TextColumn& column, std::span<const std::int32_t> rows,
                                  const Column& schema) {
  std::vector<bool> seen(column.values.size(), false);
  for (const std::int32_t row : rows)
    seen[static_cast<std::size_t>(column.codes[static_cast<std::size_t>(row)])] = true;
  Vocabulary vocabulary;
  for (std::size_t code = 0; code < seen.size(); ++code)
    if (seen[code]) vocabulary.push_back(column.values[code]);
  std::sort(vocabulary.begin(), vocabulary.end());
  if (static_cast<std::int64_t>(vocabulary.size()) > schema.capacity - 1)
    return incompatible("column '", schema.name, "' has ", vocabulary.size(),
                        " categories in the training split, the program was compiled for ",
                        schema.capacity - 1)
        .with_hint("compile again with these data");
  return vocabulary;
}

/// Codes of a file's dictionary: position in the vocabulary, or capacity - 1.
std::vector<std::int32_t> code_table(const TextColumn& column, const Vocabulary& vocabulary,
                                     std::int32_t capacity) {
  std::vector<std::int32_t> codes;
  codes.reserve(column.values.size());
  for (const std::string& value : column.values) {
    const auto found = std::lower_bound(vocabulary.begin(), vocabulary.end(), value);
    const bool known = found != vocabulary.end() && *found == value;
    codes.push_back(known ? static_cast<std::int32_t>(found - vocabulary.begin()) : capacity - 1);
  }
  return codes;
}

} // namespace

std::vector<NamedArray> FittedState::named_arrays() const {
  NamedArray counts{"class_counts", {class_counts.begin(), class_counts.end()}};
  double total = 0;
  for (const double count : counts.values)
    total += count;
  NamedArray prior{"class_prior", counts.values};
  for (double& share : prior.values)
    share /= total;
  return {std::move(counts),
          std::move(prior),
          {"mean", numeric.mean},
          {"std", numeric.std},
          {"quantiles", numeric.quantiles}};
}

std::string FittedState::to_json() const {
  OptionValue::List counts(class_counts.begin(), class_counts.end()), vocabulary_lists;
  for (const Vocabulary& vocabulary : vocabularies)
    vocabulary_lists.push_back(list_of(vocabulary));
  return OptionValue(OptionValue::Table{{"format", "tailor-fitted-1"},
                                        {"class_names", list_of(class_names)},
                                        {"class_counts", std::move(counts)},
                                        {"vocabularies", std::move(vocabulary_lists)},
                                        {"normalisation", word_of(numeric.normalisation)},
                                        {"mean", list_of(numeric.mean)},
                                        {"std", list_of(numeric.std)},
                                        {"num_quantiles", numeric.num_quantiles},
                                        {"quantiles", list_of(numeric.quantiles)}})
      .to_json();
}

Result<FittedState> FittedState::from_json(std::string_view json) {
  TAILOR_ASSIGN_OR_RETURN(const OptionValue root, OptionValue::from_json(json), "reading the fitted state");
  const auto text_of = [&](std::string_view key) {
    const OptionValue* value = root.find(key);
    return value && value->as_string() ? *value->as_string() : std::string();
  };
  if (text_of("format") != "tailor-fitted-1")
    return incompatible("fitted state has format '", text_of("format"), "', expected 'tailor-fitted-1'");
  FittedState state;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue::List* names, list_member(root, "class_names"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(state.class_names, texts(*names, "class_names"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue::List* counts, list_member(root, "class_counts"));
  for (const OptionValue& count : *counts) {
    if (!count.as_int() || *count.as_int() < 0)
      return data_loss("fitted state: class count ", count.to_json(), ", expected an integer of at least 0");
    state.class_counts.push_back(*count.as_int());
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue::List* vocabularies, list_member(root, "vocabularies"));
  for (const OptionValue& entry : *vocabularies) {
    if (!entry.as_list())
      return data_loss("fitted state: a vocabulary is a ", entry.kind_name(), ", expected a list");
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Vocabulary vocabulary, texts(*entry.as_list(), "vocabularies"));
    state.vocabularies.push_back(std::move(vocabulary));
  }
  const std::string normalisation = text_of("normalisation");
  const std::optional<Normalisation> known = from_word<Normalisation>(normalisation);
  if (!known)
    return data_loss("fitted state: normalisation '", normalisation, "', expected ",
                     listed(words_of<Normalisation>(), " | "));
  state.numeric.normalisation = *known;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(state.numeric.mean, numbers(root, "mean"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(state.numeric.std, numbers(root, "std"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(state.numeric.quantiles, numbers(root, "quantiles"));
  const OptionValue* num_quantiles = root.find("num_quantiles");
  if (!num_quantiles || !num_quantiles->as_int() || *num_quantiles->as_int() < 0 ||
      *num_quantiles->as_int() > INT32_MAX)
    return data_loss("fitted state: no usable 'num_quantiles'");
  state.numeric.num_quantiles = static_cast<std::int32_t>(*num_quantiles->as_int());
  return state;
}

Status FittedState::check(const DataSchema& schema) const {
  if (class_names != schema.class_names)
    return incompatible("the fitted state has ", class_names.size(), " classes, the program ",
                        schema.class_names.size(), ", or their names differ");
  if (class_counts.size() != class_names.size())
    return data_loss("the fitted state has ", class_counts.size(), " class counts for ", class_names.size(),
                     " classes");
  const std::vector<const Column*> categories = columns_of(schema, ColumnRole::kCategorical);
  if (vocabularies.size() != categories.size())
    return incompatible("the fitted state has ", vocabularies.size(), " vocabularies, the program ",
                        categories.size(), " categorical columns");
  for (std::size_t c = 0; c < categories.size(); ++c) {
    if (static_cast<std::int64_t>(vocabularies[c].size()) > categories[c]->capacity - 1)
      return incompatible("the vocabulary of column '", categories[c]->name, "' has ", vocabularies[c].size(),
                          " categories, the program room for ", categories[c]->capacity - 1);
    if (!std::is_sorted(vocabularies[c].begin(), vocabularies[c].end()))
      return data_loss("the vocabulary of column '", categories[c]->name, "' is not sorted");
  }
  const std::size_t columns = schema.numeric_inputs().size();
  const std::size_t num_quantiles =
      numeric.normalisation == Normalisation::kQuantile ? static_cast<std::size_t>(numeric.num_quantiles) : 0;
  if (numeric.mean.size() != columns || numeric.std.size() != columns)
    return incompatible("the fitted state has ", numeric.mean.size(), " numeric columns, the program ",
                        columns);
  if (numeric.quantiles.size() != columns * num_quantiles ||
      (numeric.normalisation == Normalisation::kQuantile && num_quantiles < 2))
    return data_loss("the fitted state has ", numeric.quantiles.size(), " quantiles, expected ", columns,
                     " x ", num_quantiles, " with at least 2 a column");
  const auto all_finite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  };
  if (!all_finite(numeric.mean) || !all_finite(numeric.std) || !all_finite(numeric.quantiles))
    return data_loss("the fitted state holds a number that is not finite");
  for (std::size_t c = 0; c < columns && num_quantiles > 0; ++c)
    if (!std::is_sorted(numeric.quantiles.begin() + static_cast<std::ptrdiff_t>(c * num_quantiles),
                        numeric.quantiles.begin() + static_cast<std::ptrdiff_t>((c + 1) * num_quantiles)))
      return data_loss("the quantiles of numeric column ", c, " are not ascending");
  return {};
}

Result<FittedState> fit(const RawTable& table, std::span<const std::int32_t> rows, const DataSchema& schema,
                        Normalisation normalisation) {
  FittedState state;
  state.class_names = schema.class_names;
  state.class_counts.assign(static_cast<std::size_t>(schema.num_classes), 0);
  for (const std::int32_t row : rows)
    ++state.class_counts[static_cast<std::size_t>(table.label[static_cast<std::size_t>(row)])];
  const std::vector<const Column*> categories = columns_of(schema, ColumnRole::kCategorical);
  for (std::size_t c = 0; c < categories.size(); ++c) {
    TAILOR_ASSIGN_OR_RETURN(Vocabulary vocabulary, fit_vocabulary(table.category[c], rows, *categories[c]),
                            concat("'", table.path, "'"));
    state.vocabularies.push_back(std::move(vocabulary));
  }
  TAILOR_ASSIGN_OR_RETURN(state.numeric, fit_numeric(table.numeric, rows, normalisation),
                          concat("'", table.path, "'"));
  return state;
}

namespace {

/// Sine or cosine of a date's feature; elapsed time and year, which come first, are lines.
bool is_circle(const NumericInput& input) {
  if (input.column->role != ColumnRole::kDate) return false;
  const auto lines = static_cast<std::uint16_t>(input.column->date_features &
                                                (bit(DateFeature::kElapsed) | bit(DateFeature::kYear)));
  return input.part >= num_date_inputs(lines);
}

} // namespace

std::vector<LostSpacing> lost_spacing(const RawTable& table, std::span<const std::int32_t> rows,
                                      const DataSchema& schema, const NumericTransform& transform) {
  // Random numbers of 17 digits collide too: n of them in n / 2^25 of the cases, below 1 % up to 300,000 rows, and
  // there it does no harm. An offset or an outlier that swallows a column joins most of its values.
  constexpr std::int64_t kOneIn = 100;
  std::vector<LostSpacing> lost;
  if (transform.normalisation == Normalisation::kQuantile) return lost; // clips and joins by design
  const std::vector<NumericInput> columns = schema.numeric_inputs();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    // A circle meets itself: sin of March and of May are one number but for their last bits.
    if (is_circle(columns[c])) continue;
    if (const Resolution kept = resolution(transform, static_cast<std::int32_t>(c), table.numeric[c], rows);
        (kept.num_values - kept.num_features) * kOneIn > kept.num_values)
      lost.push_back({columns[c].name(), kept});
  }
  return lost;
}

namespace {

template <class T> std::span<T> column_of(Dataset& data, std::string_view name) {
  for (DataColumn& column : data.columns)
    if (column.input().name == name) return column.values<T>();
  return {};
}

} // namespace

bool is_encoded(std::string_view input) {
  return input == input_names::kNumeric || input == input_names::kCategory || input == input_names::kLabel ||
         input == input_names::kIndex;
}

Result<Dataset> encode(const RawTable& table, std::span<const std::int32_t> rows, const DataSchema& schema,
                       const FittedState& fitted, EncodeReport* report) {
  TAILOR_RETURN_IF_ERROR_AS_IS(fitted.check(schema));
  const std::vector<NumericInput> inputs = schema.numeric_inputs();
  const std::vector<const Column*> categories = columns_of(schema, ColumnRole::kCategorical);
  Dataset data;
  data.num_rows = static_cast<std::int64_t>(rows.size());
  data.num_classes = schema.num_classes;
  data.source_row.assign(rows.begin(), rows.end());
  data.path = table.path;
  data.lines = table.lines;
  EncodeReport counts{std::vector<std::int64_t>(categories.size(), 0),
                      std::vector<std::int64_t>(inputs.size(), 0)};

  data.labelled = !table.label.empty();
  for (InputColumn& input : schema.inputs())
    if (is_encoded(input.name)) data.columns.emplace_back(std::move(input), data.num_rows);
  for (const DataColumn& column : table.columns)
    data.columns.push_back(column.taken(rows));
  const std::span<std::int32_t> row_numbers = column_of<std::int32_t>(data, input_names::kIndex);
  std::iota(row_numbers.begin(), row_numbers.end(), 0);

  const std::span<float> numeric = column_of<float>(data, input_names::kNumeric);
  const auto width = static_cast<std::size_t>(schema.num_numeric());
  std::size_t flag = inputs.size();
  for (std::size_t c = 0; c < inputs.size(); ++c) {
    const std::vector<double>& column = table.numeric[c];
    const bool has_flag = inputs[c].column->missing_flag && inputs[c].part == 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double value = column[static_cast<std::size_t>(rows[i])];
      const bool missing = std::isnan(value);
      counts.imputed[c] += missing;
      const float feature = fitted.numeric.apply(static_cast<std::int32_t>(c), value);
      if (!std::isfinite(feature))
        return invalid_argument(
            data.place(static_cast<std::int64_t>(i)), ": column '", inputs[c].name(), "': ", value, " is ",
            (value - fitted.numeric.mean[c]) / (fitted.numeric.std[c] > 0 ? fitted.numeric.std[c] : 1.0),
            " standard deviations from the training mean, expected less than 3.4e38");
      numeric[i * width + c] = feature;
      if (has_flag) numeric[i * width + flag] = missing ? 1.0f : 0.0f;
    }
    flag += has_flag;
  }

  const std::span<std::int32_t> category = column_of<std::int32_t>(data, input_names::kCategory);
  for (std::size_t c = 0; c < categories.size(); ++c) {
    const std::int32_t unknown = categories[c]->capacity - 1;
    const std::vector<std::int32_t> codes =
        code_table(table.category[c], fitted.vocabularies[c], categories[c]->capacity);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int32_t code =
          codes[static_cast<std::size_t>(table.category[c].codes[static_cast<std::size_t>(rows[i])])];
      counts.unknown_categories[c] += code == unknown;
      category[i * categories.size() + c] = code;
    }
  }

  data.class_counts.assign(static_cast<std::size_t>(schema.num_classes), 0);
  const std::span<std::int32_t> labels = column_of<std::int32_t>(data, input_names::kLabel);
  for (std::size_t i = 0; data.labelled && i < rows.size(); ++i) {
    labels[i] = table.label[static_cast<std::size_t>(rows[i])];
    ++data.class_counts[static_cast<std::size_t>(labels[i])];
  }
  if (!table.id.codes.empty())
    for (const std::int32_t row : rows)
      data.id.push_back(
          table.id.values[static_cast<std::size_t>(table.id.codes[static_cast<std::size_t>(row)])]);
  if (report) *report = std::move(counts);
  return data;
}

} // namespace tailor::runtime
