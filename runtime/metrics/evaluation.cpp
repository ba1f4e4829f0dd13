#include "runtime/metrics/evaluation.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {

const Metric* EvaluationResult::find(std::string_view name) const {
  const auto found =
      std::find_if(metrics.begin(), metrics.end(), [&](const Metric& metric) { return metric.name == name; });
  return found == metrics.end() ? nullptr : &*found;
}

Evaluation::Evaluation(EvaluationPlan plan) : plan_(std::move(plan)), confusion_(plan_.num_classes) {}

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
    evaluation.report(std::move(metric));
  }
  for (const std::string& name : evaluation.plan_.requested) {
    if (is_metric_family(name)) continue;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(MetricRequest metric, parse_metric(name));
    if (metric.spec->two_classes && !binary)
      return invalid_argument("metric '", name, "' is for two classes, the data have ",
                              evaluation.plan_.num_classes);
    if (metric.spec->on_request) evaluation.report(std::move(metric));
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
      // The pair (0, z) has the same softmax.
      const double z = logits[i];
      row[0] = 0;
      row[1] = z;
    } else {
      for (std::size_t k = 0; k < num_classes; ++k)
        row[k] = logits[i * num_classes + k];
    }
    add_row(row, label, one_logit);
  }
  return {};
}

void Evaluation::report(MetricRequest metric) {
  std::unique_ptr<RowMetric> rows;
  if (metric.spec->rows) rows = metric.spec->rows(plan_.num_classes, metric.argument);
  metrics_.push_back({std::move(metric), std::move(rows)});
}

void Evaluation::add_row(std::span<const double> logits, std::int32_t label, bool one_logit) {
  std::size_t decision = 0;
  for (std::size_t k = 1; k < logits.size(); ++k)
    if (logits[k] > logits[decision]) decision = k;
  exponentials_.resize(logits.size());
  EvaluatedRow row{.logits = logits,
                   .exponentials = exponentials_,
                   .label = label,
                   .decision = static_cast<std::int32_t>(decision),
                   .most = logits[decision],
                   .one_logit = one_logit};
  for (std::size_t k = 0; k < logits.size(); ++k)
    row.sum += exponentials_[k] = std::exp(logits[k] - row.most);
  confusion_.add(label, row.decision);
  if (logits.size() == 2) {
    const auto positive = static_cast<std::size_t>(plan_.positive_class);
    scores_.push_back(logits[positive] - logits[1 - positive]);
    positive_.push_back(static_cast<std::size_t>(label) == positive);
  }
  has_nan_ |= std::isnan(row.confidence());
  for (const Reported& metric : metrics_)
    if (metric.rows) metric.rows->add(row);
}

EvaluationResult Evaluation::finish() const {
  EvaluationResult result;
  result.num_rows = confusion_.num_rows();
  result.confusion = confusion_;
  result.groups = groups_;
  result.train_class_counts = plan_.train_class_counts;
  // NaN scores have no order; the loss is NaN then and says so.
  const EvaluatedSplit split{confusion_, groups_, plan_.positive_class, scores_, positive_, has_nan_};
  for (const auto& [request, rows] : metrics_)
    result.metrics.push_back(
        {request.name, rows ? rows->value(split) : request.spec->value(split, request.argument)});
  for (std::int32_t k = 0; k < plan_.num_classes; ++k)
    result.class_accuracy.push_back({concat(k), confusion_.class_accuracy(k)});
  return result;
}

} // namespace tailor::runtime
