#include "runtime/train/predict.h"

#include "runtime/base/file.h"
#include "runtime/train/finite_check.h"

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

std::string class_name(const DataSchema& schema, std::int32_t k) {
  return static_cast<std::size_t>(k) < schema.class_names.size()
             ? schema.class_names[static_cast<std::size_t>(k)]
             : concat(k);
}

} // namespace

Result<PredictionColumns> PredictionColumns::from(const Options& options) {
  PredictionColumns columns;
  if (!options.has_value("eval.predict.out")) return columns;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::string> wanted,
                                options.get_strings("eval.predict.out"));
  columns = {false, false};
  for (const std::string& name : wanted) {
    if (name == "probability")
      columns.probability = true;
    else if (name == "decision")
      columns.decision = true;
    else
      return invalid_argument("'eval.predict.out' takes probability and decision, not '", name, "'");
  }
  return columns;
}

Status write_predictions(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                         const DataSchema& schema, const PredictionColumns& columns,
                         const std::string& path) {
  const std::int32_t num_classes = schema.num_classes;
  const std::int32_t width = evaluator.logits_width();
  if (width != num_classes && !(width == 1 && num_classes == 2))
    return incompatible("the program gives ", width, " logits for ", num_classes, " classes");
  std::string csv = data.id.empty() ? "row" : "id";
  for (std::int32_t k = 0; columns.probability && k < num_classes; ++k)
    csv += ',' + csv_cell("p_" + class_name(schema, k));
  if (columns.decision) csv += ",decision";
  csv += '\n';

  std::vector<double> p(static_cast<std::size_t>(num_classes));
  const auto add_batch = [&](std::span<const float> logits, std::span<const std::int32_t>, std::int32_t valid,
                             std::int64_t first_row) -> Status {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_finite_logits(logits, width, first_row, data, schema));
    for (std::int32_t r = 0; r < valid; ++r) {
      const auto row = static_cast<std::size_t>(first_row + r);
      const auto z = logits.subspan(static_cast<std::size_t>(r * width), static_cast<std::size_t>(width));
      csv += data.id.empty() ? concat(data.source_row[row]) : csv_cell(data.id[row]);
      if (columns.probability) {
        probabilities(z, p);
        for (const double value : p)
          csv += concat(',', value);
      }
      if (columns.decision) csv += ',' + csv_cell(class_name(schema, decision(z)));
      csv += '\n';
    }
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluator.for_each_batch(data, control, add_batch));
  return write_file_atomic(path, csv);
}

} // namespace tailor::runtime
