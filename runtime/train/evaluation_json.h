#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/base/options.h"
#include "runtime/metrics/evaluation.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// Metrics of one split at one epoch, as logged: name without the split ("balanced_accuracy").
using MetricValues = std::vector<std::pair<std::string, std::optional<double>>>;

/// Value of the metric `name` ("balanced_accuracy") or nullopt.
std::optional<double> metric_value(const MetricValues& metrics, std::string_view name);

/// All metrics, then "class_accuracy/<class name>" of every class.
MetricValues values_of(const EvaluationResult& result, const DataSchema& schema);

/// A number, or null for one that is absent or not finite.
OptionValue json_number(std::optional<double> value);

/// The members that say per class what happened, each name behind `prefix` ("val/"). Up to kMostClassesInFull
/// classes: "confusion", a list of rows (true class) of counts per decision. Above, where K * K counts would
/// drown the rest: "class_rows" and "class_correct", one count a class.
constexpr std::int32_t kMostClassesInFull = 100;
void add_class_counts(OptionValue::Table& line, const std::string& prefix, const ConfusionMatrix& confusion);

} // namespace tailor::runtime
