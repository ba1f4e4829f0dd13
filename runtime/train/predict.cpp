#include "runtime/train/predict.h"

#include "runtime/base/file.h"
#include "runtime/base/wording.h"
#include "runtime/train/finite_check.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace tailor::runtime {
namespace {

/// As RFC 4180 quotes: only where needed.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

/// Shortest text that reads back as the same f32.
std::string shortest(float value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr};
}

std::string class_name(const DataSchema& schema, std::int32_t k) {
  return static_cast<std::size_t>(k) < schema.class_names.size()
             ? schema.class_names[static_cast<std::size_t>(k)]
             : concat(k);
}

Status check_columns(const Evaluator& evaluator, const Dataset& data, const DataSchema& schema,
                     const PredictionColumns& columns) {
  const std::int32_t width = evaluator.logits_width();
  if (width != schema.num_classes && !(width == 1 && schema.num_classes == 2))
    return incompatible("the program gives ", width, " logits for ", schema.num_classes, " classes");
  if (columns.features && evaluator.features_width() == 0)
    return invalid_argument("features are to be written, but the program's eval step gives logits only")
        .with_hint(
            "a C++ program gives them with Eval::features (frontend/examples/custom_method.cpp), a network "
            "registered for recipes with features() and logits() (models/recipe/registry.h)");
  if (columns.label && !data.labelled)
    return invalid_argument("labels are to be written, but '", data.path, "' was read without");
  return {};
}

std::string header_of(const Evaluator& evaluator, const Dataset& data, const DataSchema& schema,
                      const PredictionColumns& columns) {
  std::string csv = data.id.empty() ? "row" : "id";
  const auto add_classes = [&](const char* prefix) {
    for (std::int32_t k = 0; k < schema.num_classes; ++k)
      csv += ',' + csv_cell(prefix + class_name(schema, k));
  };
  if (columns.probability) add_classes("p_");
  if (columns.decision) csv += ",decision";
  if (columns.logits && evaluator.logits_width() == 1)
    csv += ",logit";
  else if (columns.logits)
    add_classes("z_");
  for (std::int32_t f = 0; columns.features && f < evaluator.features_width(); ++f)
    csv += concat(",f_", f);
  if (columns.label) csv += ",label";
  return csv + '\n';
}

Status write_text(const std::string& path, const std::string& text) {
  if (path != "-") return write_file_atomic(path, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return resource_exhausted("cannot write to standard output: ", std::strerror(errno));
  return {};
}

} // namespace

PredictionColumns PredictionColumns::of(const std::vector<PredictionColumn>& columns) {
  const auto has = [&](PredictionColumn column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  return {has(PredictionColumn::kProbability), has(PredictionColumn::kDecision),
          has(PredictionColumn::kLogits), has(PredictionColumn::kFeatures), has(PredictionColumn::kLabel)};
}

Result<PredictionColumns> PredictionColumns::named(const std::vector<std::string>& names) {
  std::vector<PredictionColumn> columns;
  for (const std::string& name : names) {
    const std::optional<PredictionColumn> column = from_word<PredictionColumn>(name);
    if (!column)
      return invalid_argument("the columns of predictions are ", listed(words_of<PredictionColumn>(), " | "),
                              ", not '", name, "'");
    columns.push_back(*column);
  }
  return of(columns);
}

Result<PredictionColumns> PredictionColumns::from(const Options& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys keys, read_keys<EvalKeys>(options));
  return of(keys.predict_out);
}

Status write_predictions(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                         const DataSchema& schema, const PredictionColumns& columns,
                         const std::string& path) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_columns(evaluator, data, schema, columns));
  const std::int32_t width = evaluator.logits_width(), features = evaluator.features_width();
  std::string csv = header_of(evaluator, data, schema, columns);
  std::vector<double> p(static_cast<std::size_t>(schema.num_classes));
  const auto add_numbers = [&](std::span<const float> values) {
    for (const float value : values)
      csv += ',' + shortest(value);
  };
  const auto row_of = [](std::span<const float> values, std::int32_t row, std::int32_t row_width) {
    return values.subspan(static_cast<std::size_t>(row) * static_cast<std::size_t>(row_width),
                          static_cast<std::size_t>(row_width));
  };
  const auto add_batch = [&](const EvaluatedBatch& batch) -> Status {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_finite_logits(batch.logits, width, batch.first_row, data, schema));
    if (columns.features)
      TAILOR_RETURN_IF_ERROR_AS_IS(
          check_finite_logits(batch.features, features, batch.first_row, data, schema));
    for (std::int32_t r = 0; r < batch.valid; ++r) {
      const auto row = static_cast<std::size_t>(batch.first_row + r);
      const auto z = row_of(batch.logits, r, width);
      csv += data.id.empty() ? concat(data.source_row[row]) : csv_cell(data.id[row]);
      if (columns.probability) {
        probabilities(z, p);
        for (const double value : p)
          csv += concat(',', value);
      }
      if (columns.decision) csv += ',' + csv_cell(class_name(schema, decision(z)));
      if (columns.logits) add_numbers(z);
      if (columns.features) add_numbers(row_of(batch.features, r, features));
      if (columns.label) csv += ',' + csv_cell(class_name(schema, data.labels()[row]));
      csv += '\n';
    }
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluator.for_each_batch(data, control, add_batch));
  return write_text(path, csv);
}

} // namespace tailor::runtime
