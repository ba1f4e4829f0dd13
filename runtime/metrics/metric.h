#pragma once
#include "runtime/base/result.h"
#include "runtime/metrics/class_groups.h"
#include "runtime/metrics/confusion.h"
#include "runtime/options/component.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// A row as an evaluation sees it. A program with one logit z for two classes has logits (0, z), whose softmax is the
/// same.
struct EvaluatedRow {
  std::span<const double> logits;       ///< [K]
  std::span<const double> exponentials; ///< [K] exp(logit - most)
  std::int32_t label = 0, decision = 0;
  double most = 0; ///< the largest logit
  double sum = 0;  ///< of the exponentials
  bool one_logit = false;

  double probability(std::size_t k) const { return exponentials[k] / sum; }
  double confidence() const { return 1 / sum; } ///< max_k p_k
};

/// What an evaluation has of all its rows.
struct EvaluatedSplit {
  const ConfusionMatrix& confusion;
  std::span<const ClassGroup> groups;     ///< minority, majority, few, med, many
  std::int32_t positive_class = 0;        ///< two classes only, as the next two
  std::span<const double> scores;         ///< [rows], higher is more positive
  std::span<const std::uint8_t> positive; ///< [rows] 0 or 1
  bool has_nan = false;                   ///< a row's probabilities are no numbers: scores have no order

  /// The mean over the rows of what they sum to; absent without rows.
  std::optional<double> mean(double sum) const;
};

/// What a metric keeps of the rows one by one, in the order of evaluation: same rows, same bits.
class RowMetric {
public:
  virtual ~RowMetric() = default;
  virtual void add(const EvaluatedRow& row) = 0;
  virtual std::optional<double> value(const EvaluatedSplit& split) const = 0;
};

/// One number an evaluation can report: one file of `kinds/`, or of a user's program. A name that ends in "(x)" takes
/// an argument in (0, 1]: "recall_at_precision(0.9)". What cannot be computed is absent, never 0.
struct MetricSpec {
  static constexpr std::string_view kKind = "metric";
  std::string name;
  std::string text;
  std::string source = "choice";

  /// Place in tables and logs: lower ones first, equal ones by name. The built-in ones have 10, 20, ..., from the loss
  /// over what is read most to what is computed on request; those of users follow.
  int rank = 1000;
  bool two_classes = false; ///< needs a positive class
  bool on_request = false;  ///< computed only if eval.metrics names it or it is watched
  bool higher_is_better = true;
  bool of_size_groups = false; ///< follows eval.groups
  /// From what every evaluation has of its rows...
  std::function<std::optional<double>(const EvaluatedSplit&, double argument)> value = nullptr;
  /// ... or, for what it has not, from the rows.
  std::function<std::unique_ptr<RowMetric>(std::int32_t num_classes, double argument)> rows = nullptr;
};

/// All metrics, in the order of reports.
std::vector<const MetricSpec*> metric_specs();

/// A metric as a user named it: "recall_at_precision(0.9)".
struct MetricRequest {
  const MetricSpec* spec = nullptr;
  double argument = 0;
  std::string name;
};

/// kInvalidArgument: no such metric (all as hint), an argument outside (0, 1].
Result<MetricRequest> parse_metric(std::string_view name);

/// One of the words of eval.metrics that stand for several lines of the result table: per_class, few_med_many.
bool is_metric_family(std::string_view name);

/// Names of the metrics that every evaluation of K classes records, in order.
std::vector<std::string> metric_names(std::int32_t num_classes);

/// For early stopping, keep-best and comparisons; true for names that are no metric. `name` may carry a split
/// ("val/loss"); what follows is the whole name ("class_accuracy/loss" is the accuracy of a class called loss).
bool higher_is_better(std::string_view name);

/// Whether the metric of that name changes with eval.groups.
bool follows_size_groups(std::string_view name);

} // namespace tailor::runtime
