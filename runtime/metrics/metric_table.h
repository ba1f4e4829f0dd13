#pragma once
#include "runtime/base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

enum class MetricId {
  kLoss,
  kAccuracy,
  kBalancedAccuracy,
  kMacroF1,
  kMinority,
  kMajority,
  kFew,
  kMed,
  kMany,
  kAuc,
  kAveragePrecision,
  kPrecision,
  kRecall,
  kF1,
  kMcc,
  kBrier,
  kEce,
  kKappa,
  kQuadraticKappa,
  kRecallAtPrecision,
  kSensitivityAtSpecificity,
};

/// One number an evaluation can report. This table is the only list of them: what is computed and in which
/// order, what a recipe may name, the direction of "better" and the text of `recipe --describe` follow it.
struct MetricSpec {
  MetricId id;
  std::string_view name; ///< ends in "(x)" if it takes an argument in (0, 1]
  bool two_classes;      ///< needs a positive class
  bool on_request;       ///< computed only if eval.metrics names it or it is watched
  bool higher_is_better;
  std::string_view text; ///< formula
};

// clang-format off
inline constexpr MetricSpec kMetrics[] = {
    {MetricId::kLoss, "loss", false, false, false, "mean cross-entropy, without weights, smoothing or bias"},
    {MetricId::kAccuracy, "accuracy", false, false, true, "share of rows decided right"},
    {MetricId::kBalancedAccuracy, "balanced_accuracy", false, false, true, "mean of the classes' accuracies (recalls)"},
    {MetricId::kMacroF1, "macro_f1", false, false, true, "mean of the F1 of the classes that occur or are decided"},
    {MetricId::kMinority, "minority", false, false, true, "mean accuracy of the fifth of the classes with fewest training rows"},
    {MetricId::kMajority, "majority", false, false, true, "the same for the fifth with most"},
    {MetricId::kFew, "few", false, false, true, "mean accuracy of the classes that eval.groups calls few"},
    {MetricId::kMed, "med", false, false, true, "of those between"},
    {MetricId::kMany, "many", false, false, true, "of those it calls many"},
    {MetricId::kAuc, "auc", true, false, true, "area under the ROC curve: P(score of a positive > of a negative), ties half"},
    {MetricId::kAveragePrecision, "average_precision", true, false, true, "sum of precision times gain in recall, no interpolation"},
    {MetricId::kPrecision, "precision", true, false, true, "tp / (tp + fp); absent if no row is decided positive"},
    {MetricId::kRecall, "recall", true, false, true, "tp / (tp + fn)"},
    {MetricId::kF1, "f1", true, false, true, "2 tp / (2 tp + fp + fn)"},
    {MetricId::kMcc, "mcc", true, false, true, "Matthews correlation"},
    {MetricId::kBrier, "brier", false, false, false, "mean squared error of the probabilities; two classes: (p - y)^2, else summed over the classes"},
    {MetricId::kEce, "ece", false, false, false, "expected calibration error: sum n_b/N |accuracy - confidence| over 15 equal-width bins of confidence"},
    {MetricId::kKappa, "kappa", false, true, true, "Cohen's kappa: agreement beyond that of the two histograms"},
    {MetricId::kQuadraticKappa, "quadratic_kappa", false, true, true, "kappa with weights (i-j)^2 / (K-1)^2, for ordered classes"},
    {MetricId::kRecallAtPrecision, "recall_at_precision(x)", true, true, true, "largest recall at a precision of at least x"},
    {MetricId::kSensitivityAtSpecificity, "sensitivity_at_specificity(x)", true, true, true, "largest sensitivity at a specificity of at least x"},
};
// clang-format on

/// Words of eval.metrics that stand for several lines of the result table.
inline constexpr std::string_view kMetricFamilies[] = {"per_class", "few_med_many"};

/// A metric as a user named it: "recall_at_precision(0.9)".
struct MetricRequest {
  const MetricSpec* spec = nullptr;
  double argument = 0;
  std::string name;
};

/// kInvalidArgument: no such metric (the nearest, or all, as hint), an argument outside (0, 1].
Result<MetricRequest> parse_metric(std::string_view name);

/// One of kMetricFamilies.
bool is_metric_family(std::string_view name);

/// Names of the metrics that every evaluation of K classes records, in order.
std::vector<std::string> metric_names(std::int32_t num_classes);

/// For early stopping, keep-best and comparisons: false for loss, brier and ece. `name` may carry a split
/// ("val/loss"); what follows is the whole name ("class_accuracy/loss" is the accuracy of a class called loss).
bool higher_is_better(std::string_view name);

namespace detail {
constexpr std::size_t metric_choices_size() {
  std::size_t size = 0;
  for (const MetricSpec& metric : kMetrics)
    size += metric.name.size() + 1;
  for (const std::string_view family : kMetricFamilies)
    size += family.size() + 1;
  return size - 1;
}
} // namespace detail

/// What eval.metrics may list, as the key table writes choices: "loss|accuracy|...".
constexpr std::array<char, detail::metric_choices_size()> metric_choices() {
  std::array<char, detail::metric_choices_size()> text{};
  std::size_t at = 0;
  const auto add = [&](std::string_view name) {
    if (at > 0) text[at++] = '|';
    for (const char c : name)
      text[at++] = c;
  };
  for (const MetricSpec& metric : kMetrics)
    add(metric.name);
  for (const std::string_view family : kMetricFamilies)
    add(family);
  return text;
}

} // namespace tailor::runtime
