#include "runtime/metrics/extremes.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// Evaluates a model whose decision is the class `shift` further than the truth.
Result<EvaluationResult> evaluate_shifted(const EvaluationPlan& plan,
                                          std::span<const std::int64_t> class_rows, std::size_t shift) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluation evaluation, Evaluation::create(plan));
  constexpr std::int64_t kChunk = 256; // rows given at once: bounds memory, whatever the split holds
  constexpr float kSure = 20;          // e^-20 is 2e-9: surer than any calibration bin tells apart
  const std::size_t num_classes = class_rows.size();
  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  for (std::size_t k = 0; k < num_classes; ++k) {
    if (class_rows[k] <= 0) continue;
    const std::int64_t chunk = std::min(kChunk, class_rows[k]);
    labels.assign(static_cast<std::size_t>(chunk), static_cast<std::int32_t>(k));
    logits.assign(static_cast<std::size_t>(chunk) * num_classes, 0.0F);
    for (std::size_t row = 0; row < labels.size(); ++row)
      logits[row * num_classes + (k + shift) % num_classes] = kSure;
    for (std::int64_t done = 0; done < class_rows[k]; done += chunk)
      TAILOR_RETURN_IF_ERROR_AS_IS(
          evaluation.add(logits, labels, static_cast<std::int32_t>(std::min(chunk, class_rows[k] - done))));
  }
  return evaluation.finish();
}

} // namespace

Result<Extremes> extremes(const EvaluationPlan& plan, std::span<const std::int64_t> class_rows) {
  if (std::ssize(class_rows) != plan.num_classes)
    return invalid_argument("rows of ", class_rows.size(), " classes for metrics over ", plan.num_classes);
  Extremes result;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(result.right, evaluate_shifted(plan, class_rows, 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(result.wrong, evaluate_shifted(plan, class_rows, 1));
  return result;
}

} // namespace tailor::runtime
