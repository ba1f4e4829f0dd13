#include "runtime/metrics/evaluation.h"

#include "runtime/metrics/ranking.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tailor::runtime {
namespace {

constexpr std::size_t kNumBins = 15;

/// ln(1 + e^z) without overflow.
double softplus(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

/// "name(0.95)" -> 0.95 in (0, 1].
Result<double> argument_of(std::string_view text, std::string_view name) {
  double value = 0;
  if (text.size() > name.size() + 2 && text[name.size()] == '(' && text.ends_with(')')) {
    const char* const end = text.data() + text.size() - 1;
    const auto [stop, error] = std::from_chars(text.data() + name.size() + 1, end, value);
    if (error == std::errc() && stop == end && value > 0 && value <= 1) return value;
  }
  return invalid_argument("metric '", text, "', expected ", name, "(x) with x in (0, 1]");
}

constexpr std::string_view kStandardMetrics[] = {
    "loss",        "accuracy", "balanced_accuracy", "minority", "majority", "few",       "med",
    "many",        "auc",      "average_precision", "f1",       "mcc",      "per_class", "confusion",
    "few_med_many"};

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

  for (const std::string& name : evaluation.plan_.extra) {
    using Kind = ExtraMetric::Kind;
    if (std::find(std::begin(kStandardMetrics), std::end(kStandardMetrics), name) !=
        std::end(kStandardMetrics))
      continue;
    ExtraMetric extra{Kind::kBrier, 0, name};
    bool two_classes = false;
    if (name == "brier") {
      extra.kind = Kind::kBrier;
    } else if (name == "ece") {
      extra.kind = Kind::kEce;
    } else if (name == "kappa") {
      extra.kind = Kind::kKappa;
    } else if (name.starts_with("recall_at_precision")) {
      extra.kind = Kind::kRecallAtPrecision;
      two_classes = true;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(extra.argument, argument_of(name, "recall_at_precision"));
    } else if (name.starts_with("sensitivity_at_specificity")) {
      extra.kind = Kind::kSensitivityAtSpecificity;
      two_classes = true;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(extra.argument, argument_of(name, "sensitivity_at_specificity"));
    } else {
      std::string standard;
      for (const std::string_view metric : kStandardMetrics)
        standard += concat(" | ", metric);
      return invalid_argument(
          "unknown metric '", name, "', expected brier | ece | kappa | recall_at_precision(x) | ",
          "sensitivity_at_specificity(x) or one that is always reported:", standard.substr(2));
    }
    if (two_classes && !binary)
      return invalid_argument("metric '", name, "' is for two classes, the data have ",
                              evaluation.plan_.num_classes);
    evaluation.extra_.push_back(std::move(extra));
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

EvaluationResult Evaluation::finish() const {
  EvaluationResult result;
  result.num_rows = confusion_.num_rows();
  result.confusion = confusion_;
  result.groups = groups_;
  const auto rows = static_cast<double>(result.num_rows);
  const auto mean = [&](double sum) {
    return result.num_rows > 0 ? std::optional(sum / rows) : std::nullopt;
  };
  const auto add = [&](std::string name, std::optional<double> value) {
    result.metrics.push_back({std::move(name), value});
  };
  add("loss", mean(loss_sum_));
  add("accuracy", confusion_.accuracy());
  add("balanced_accuracy", confusion_.balanced_accuracy());
  for (const ClassGroup& group : groups_)
    add(group.name, confusion_.group_accuracy(group.classes));
  // NaN scores have no order; the loss above is NaN then and says so.
  const bool ranked = plan_.num_classes == 2 && !has_nan_;
  if (plan_.num_classes == 2) {
    add("auc", ranked ? area_under_roc(scores_, positive_) : std::nullopt);
    add("average_precision", ranked ? average_precision(scores_, positive_) : std::nullopt);
    add("f1", confusion_.f1(plan_.positive_class));
    add("mcc", confusion_.mcc());
  }
  for (const ExtraMetric& extra : extra_) {
    switch (extra.kind) {
    case ExtraMetric::Kind::kBrier:
      add(extra.name, mean(brier_sum_));
      break;
    case ExtraMetric::Kind::kEce:
      add(extra.name, has_nan_ ? std::nullopt : expected_calibration_error());
      break;
    case ExtraMetric::Kind::kKappa:
      add(extra.name, confusion_.quadratic_kappa());
      break;
    case ExtraMetric::Kind::kRecallAtPrecision:
      add(extra.name, ranked ? recall_at_precision(scores_, positive_, extra.argument) : std::nullopt);
      break;
    case ExtraMetric::Kind::kSensitivityAtSpecificity:
      add(extra.name, ranked ? sensitivity_at_specificity(scores_, positive_, extra.argument) : std::nullopt);
      break;
    }
  }
  for (std::int32_t k = 0; k < plan_.num_classes; ++k)
    result.class_accuracy.push_back({concat(k), confusion_.class_accuracy(k)});
  return result;
}

std::vector<std::string> metric_names(std::int32_t num_classes) {
  std::vector<std::string> names = {"loss", "accuracy", "balanced_accuracy", "minority", "majority", "few",
                                    "med",  "many"};
  if (num_classes == 2) names.insert(names.end(), {"auc", "average_precision", "f1", "mcc"});
  return names;
}

bool higher_is_better(std::string_view name) {
  for (const std::string_view split : {"val/", "test/"})
    if (name.starts_with(split)) name.remove_prefix(split.size());
  return name != "loss" && name != "brier" && name != "ece";
}

} // namespace tailor::runtime
