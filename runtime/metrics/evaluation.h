#pragma once
#include "runtime/metrics/class_groups.h"
#include "runtime/metrics/confusion.h"
#include "runtime/metrics/metric.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

/// One number of an evaluation; nullopt is printed as "absent" (an empty group, AUC with one class only).
struct Metric {
  std::string name;
  std::optional<double> value;
};

/// What every evaluation needs to know.
struct EvaluationPlan {
  std::int32_t num_classes = 2;
  std::int32_t positive_class = 1;              ///< two classes only
  std::vector<std::int64_t> train_class_counts; ///< [K], define the groups
  GroupRule groups = {};
  std::vector<std::string> requested = {}; ///< eval.metrics: what is computed on request only is added
};

struct EvaluationResult {
  std::int64_t num_rows = 0;
  std::vector<Metric> metrics;
  std::vector<Metric> class_accuracy;           ///< name = class index as text
  std::vector<ClassGroup> groups;               ///< minority, majority, few, med, many
  std::vector<std::int64_t> train_class_counts; ///< [K] of the plan: how rare each class was in training
  ConfusionMatrix confusion{0};

  /// nullptr if this evaluation does not have the metric at all.
  const Metric* find(std::string_view name) const;
};

/// Collects the logits of a whole split and turns them into metrics.
///
///   loss      mean over rows of logsumexp(z) - z_y in f64: plain cross entropy whatever was trained on;
///             one-logit form (logits [B, 1], K = 2): softplus(z) - [y = 1] z, as the loss is trained
///   decision  argmax, ties to the lower index; one-logit form: class 1 when z > 0
///   score     z_pos - z_neg (monotone in the softmax probability of the positive class); one-logit form: z,
///             or -z when the positive class is class 0
///
/// Metrics, in the order of metric_specs(): those always recorded, then the requested ones. Rows are added in
/// evaluation order by one thread and summed in that order: same rows, same bits.
class Evaluation {
public:
  /// kInvalidArgument: an unknown requested metric (names given), a two-class metric with other K, sizes that do
  /// not match K.
  static Result<Evaluation> create(EvaluationPlan plan);

  /// `logits` [rows >= valid, K] or [.., 1]; only the first `valid` rows count.
  /// kInvalidArgument: a label outside [0, K), a logits width that is neither K nor (K = 2) 1.
  Status add(std::span<const float> logits, std::span<const std::int32_t> labels, std::int32_t valid);

  EvaluationResult finish() const;

private:
  /// A metric to report, and what it keeps of the rows if it looks at them itself.
  struct Reported {
    MetricRequest request;
    std::unique_ptr<RowMetric> rows;
  };

  explicit Evaluation(EvaluationPlan plan);
  void add_row(std::span<const double> logits, std::int32_t label, bool one_logit);
  void report(MetricRequest metric);

  EvaluationPlan plan_;
  std::vector<ClassGroup> groups_;
  std::vector<Reported> metrics_; ///< what finish() reports, in order
  ConfusionMatrix confusion_;
  std::vector<double> exponentials_;   ///< [K] of the row at hand
  std::vector<double> scores_;         ///< K = 2
  std::vector<std::uint8_t> positive_; ///< K = 2
  bool has_nan_ = false;
};

} // namespace tailor::runtime
