#include "runtime/metrics/evaluation.h"

#include "runtime/metrics/ranking.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {
namespace {

constexpr std::size_t kNumBins = 15;

/// ln(1 + e^z) without overflow.
double softplus(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

} // namespace

const Metric* EvaluationResult::find(std::string_view name) const {
  const auto found =
      std::find_if(metrics.begin(), metrics.end(), [&](const Metric& metric) { return metric.name == name; });
  return found == metrics.end() ? nullptr : &*found;
}

Evaluation::Evaluation(EvaluationPlan plan)
    : plan_(std::move(plan)), confusion_(plan_.num_classes), bins_(kNumBins) {}

Result<Evaluation> Evaluation::create(EvaluationPlan plan) {
  if (plan.num_classes < 2)
    return invalid_argument("metrics over ", plan.num_classes, " classes, expected at least 2");
  if (std::ssize(plan.train_class_counts) != plan.num_classes)
    return invalid_argument(plan.train_class_counts.size(), " training class counts for ", plan.num_classes,
                            " classes");
  const bool binary = plan.num_classes == 2;
  if (binary && plan.positive_class != 0 && plan.positive_class != 1)
    return invalid_argument("positive class ", plan.positive_class, ", expected 0 or 1");
  Evaluation evaluation(std::move(plan));
  evaluation.groups_ = minority_majority(evaluation.plan_.train_class_counts);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::vector<ClassGroup> sizes,
                                few_med_many(evaluation.plan_.train_class_counts, evaluation.plan_.groups));
  for (ClassGroup& group : sizes)
    evaluation.groups_.push_back(std::move(group));

  for (const std::string& name : metric_names(evaluation.plan_.num_classes)) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(MetricRequest metric, parse_metric(name));
    evaluation.metrics_.push_back(std::move(metric));
  }
  for (const std::string& name : evaluation.plan_.requested) {
    if (is_metric_family(name)) continue;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(MetricRequest metric, parse_metric(name));
    if (metric.spec->two_classes && !binary)
      return invalid_argument("metric '", name, "' is for two classes, the data have ",
                              evaluation.plan_.num_classes);
    if (metric.spec->on_request) evaluation.metrics_.push_back(std::move(metric));
  }
  return evaluation;
}

Status Evaluation::add(std::span<const float> logits, std::span<const std::int32_t> labels,
                       std::int32_t valid) {
  const std::size_t num_classes = static_cast<std::size_t>(plan_.num_classes);
  if (valid < 0 || labels.size() < static_cast<std::size_t>(valid))
    return invalid_argument(valid, " valid rows of ", labels.size(), " labels");
  if (valid == 0) return {};
  const std::size_t width = labels.empty() ? 0 : logits.size() / labels.size();
  const bool one_logit = width == 1 && num_classes == 2;
  if (logits.size() != labels.size() * width || (width != num_classes && !one_logit))
    return invalid_argument("logits have ", logits.size(), " values for ", labels.size(), " rows, expected ",
                            num_classes, num_classes == 2 ? " (or 1)" : "", " a row");
  std::vector<double> row(num_classes);
  for (std::size_t i = 0; i < static_cast<std::size_t>(valid); ++i) {
    const std::int32_t label = labels[i];
    if (label < 0 || label >= plan_.num_classes)
      return invalid_argument("label ", label, " reached the metrics, expected 0 to ", plan_.num_classes - 1);
    if (one_logit) {
      // The pair (0, z) has the same softmax; softplus keeps the small side exact.
      const double z = logits[i];
      row[0] = 0;
      row[1] = z;
      loss_sum_ += softplus(label == 1 ? -z : z);
    } else {
      for (std::size_t k = 0; k < num_classes; ++k)
        row[k] = logits[i * num_classes + k];
    }
    add_row(row, label, !one_logit);
  }
  return {};
}

void Evaluation::add_row(std::span<const double> logits, std::int32_t label, bool with_loss) {
  const auto truth = static_cast<std::size_t>(label);
  std::size_t decision = 0;
  for (std::size_t k = 1; k < logits.size(); ++k)
    if (logits[k] > logits[decision]) decision = k;
  confusion_.add(label, static_cast<std::int32_t>(decision));

  const double most = logits[decision];
  double sum = 0;
  for (const double z : logits)
    sum += std::exp(z - most);
  if (with_loss) loss_sum_ += most + std::log(sum) - logits[truth];
  double brier = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    const double off = std::exp(logits[k] - most) / sum - (k == truth ? 1.0 : 0.0);
    brier += off * off;
  }
  if (logits.size() == 2) {
    brier /= 2; // the usual two-class form: (p - y)^2
    const auto positive = static_cast<std::size_t>(plan_.positive_class);
    scores_.push_back(logits[positive] - logits[1 - positive]);
    positive_.push_back(truth == positive);
  }
  brier_sum_ += brier;
  const double confidence = 1 / sum;
  if (std::isnan(confidence)) {
    has_nan_ = true;
    return;
  }
  Bin& bin =
      bins_[std::min(kNumBins - 1, static_cast<std::size_t>(confidence * static_cast<double>(kNumBins)))];
  ++bin.rows;
  bin.correct += decision == truth;
  bin.confidence += confidence;
}

std::optional<double> Evaluation::expected_calibration_error() const {
  if (confusion_.num_rows() == 0) return std::nullopt;
  double sum = 0;
  for (const Bin& bin : bins_)
    sum += std::abs(static_cast<double>(bin.correct) - bin.confidence); // n_b |acc_b - conf_b|
  return sum / static_cast<double>(confusion_.num_rows());
}

std::optional<double> Evaluation::group_value(std::string_view name) const {
  for (const ClassGroup& group : groups_)
    if (group.name == name) return confusion_.group_accuracy(group.classes);
  return std::nullopt;
}

std::optional<double> Evaluation::value_of(const MetricRequest& metric) const {
  const std::int64_t rows = confusion_.num_rows();
  const auto mean = [&](double sum) {
    return rows > 0 ? std::optional(sum / static_cast<double>(rows)) : std::nullopt;
  };
  // NaN scores have no order; the loss is NaN then and says so.
  const auto ranked = [&](auto function, auto... arguments) -> std::optional<double> {
    return has_nan_ ? std::nullopt : function(scores_, positive_, arguments...);
  };
  switch (metric.spec->id) {
  case MetricId::kLoss:
    return mean(loss_sum_);
  case MetricId::kAccuracy:
    return confusion_.accuracy();
  case MetricId::kBalancedAccuracy:
    return confusion_.balanced_accuracy();
  case MetricId::kMacroF1:
    return confusion_.macro_f1();
  case MetricId::kMinority:
  case MetricId::kMajority:
  case MetricId::kFew:
  case MetricId::kMed:
  case MetricId::kMany:
    return group_value(metric.name);
  case MetricId::kAuc:
    return ranked(area_under_roc);
  case MetricId::kAveragePrecision:
    return ranked(average_precision);
  case MetricId::kPrecision:
    return confusion_.precision(plan_.positive_class);
  case MetricId::kRecall:
    return confusion_.class_accuracy(plan_.positive_class);
  case MetricId::kF1:
    return confusion_.f1(plan_.positive_class);
  case MetricId::kMcc:
    return confusion_.mcc();
  case MetricId::kBrier:
    return mean(brier_sum_);
  case MetricId::kEce:
    return has_nan_ ? std::nullopt : expected_calibration_error();
  case MetricId::kKappa:
    return confusion_.kappa();
  case MetricId::kQuadraticKappa:
    return confusion_.quadratic_kappa();
  case MetricId::kRecallAtPrecision:
    return ranked(recall_at_precision, metric.argument);
  case MetricId::kSensitivityAtSpecificity:
    return ranked(sensitivity_at_specificity, metric.argument);
  }
  return std::nullopt;
}

EvaluationResult Evaluation::finish() const {
  EvaluationResult result;
  result.num_rows = confusion_.num_rows();
  result.confusion = confusion_;
  result.groups = groups_;
  for (const MetricRequest& metric : metrics_)
    result.metrics.push_back({metric.name, value_of(metric)});
  for (std::int32_t k = 0; k < plan_.num_classes; ++k)
    result.class_accuracy.push_back({concat(k), confusion_.class_accuracy(k)});
  return result;
}

} // namespace tailor::runtime
