#include "runtime/train/evaluation_json.h"

#include <cmath>

namespace tailor::runtime {

std::optional<double> metric_value(const MetricValues& metrics, std::string_view name) {
  for (const auto& [known, value] : metrics)
    if (known == name) return value;
  return std::nullopt;
}

MetricValues values_of(const EvaluationResult& result, const DataSchema& schema) {
  MetricValues values;
  for (const Metric& metric : result.metrics)
    values.emplace_back(metric.name, metric.value);
  for (std::size_t k = 0; k < result.class_accuracy.size(); ++k)
    values.emplace_back("class_accuracy/" + (k < schema.class_names.size() ? schema.class_names[k]
                                                                           : result.class_accuracy[k].name),
                        result.class_accuracy[k].value);
  return values;
}

OptionValue json_number(std::optional<double> value) {
  return value && std::isfinite(*value) ? OptionValue(*value) : OptionValue();
}

void add_class_counts(OptionValue::Table& line, const std::string& prefix, const ConfusionMatrix& confusion) {
  const std::int32_t num_classes = confusion.num_classes();
  if (num_classes > kMostClassesInFull) {
    OptionValue::List rows, correct;
    for (std::int32_t k = 0; k < num_classes; ++k) {
      rows.emplace_back(confusion.class_rows(k));
      correct.emplace_back(confusion.correct_rows(k));
    }
    line.emplace_back(prefix + "class_rows", OptionValue(std::move(rows)));
    line.emplace_back(prefix + "class_correct", OptionValue(std::move(correct)));
    return;
  }
  OptionValue::List rows;
  for (std::int32_t truth = 0; truth < num_classes; ++truth) {
    OptionValue::List row;
    for (std::int32_t decided = 0; decided < num_classes; ++decided)
      row.emplace_back(confusion.at(truth, decided));
    rows.emplace_back(std::move(row));
  }
  line.emplace_back(prefix + "confusion", OptionValue(std::move(rows)));
}

} // namespace tailor::runtime
