#include "runtime/train/evaluate.h"

#include "runtime/options/eval_keys.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {

Result<Evaluator::RowOutput> Evaluator::find_output(const Entry& entry, const Variant& variant,
                                                    const char* name) {
  const auto found = std::find_if(variant.outputs.begin(), variant.outputs.end(),
                                  [&](const Output& output) { return output.name == name; });
  if (found == variant.outputs.end()) return RowOutput();
  const std::size_t rank = found->shape.size();
  if (found->dtype != DType::kF32 || rank < 1 || rank > 2 || variant.batch < 1 ||
      found->shape[0] != variant.batch || (rank == 2 && (found->shape[1] < 1 || found->shape[1] > INT32_MAX)))
    return incompatible("output '", name, "' of entry '", entry.name, "' is not f32 [batch, width]");
  return RowOutput{static_cast<std::int32_t>(found - variant.outputs.begin()),
                   rank == 2 ? static_cast<std::int32_t>(found->shape[1]) : 1};
}

Result<VariantId> evaluating_variant(const ArtifactSpec& spec, std::int32_t entry_index) {
  const Entry& entry = spec.entries[static_cast<std::size_t>(entry_index)];
  const std::vector<Variant>& variants = entry.variants;
  if (variants.empty()) return incompatible("entry '", entry.name, "' has no variants");
  const auto largest = std::max_element(variants.begin(), variants.end(),
                                        [](const Variant& a, const Variant& b) { return a.batch < b.batch; });
  return VariantId{entry_index, static_cast<std::int32_t>(largest - variants.begin())};
}

Result<Evaluator> Evaluator::create(Executor& executor, std::int32_t entry_index, std::uint32_t first_slot) {
  const Entry& entry = executor.spec().entries[static_cast<std::size_t>(entry_index)];
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId id, evaluating_variant(executor.spec(), entry_index));
  const Variant& variant = variant_of(executor.spec(), id);
  Evaluator evaluator(executor, id);
  evaluator.first_slot_ = first_slot;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(evaluator.logits_, find_output(entry, variant, "logits"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(evaluator.features_, find_output(entry, variant, "features"));
  if (evaluator.logits_.output < 0) return incompatible("entry '", entry.name, "' has no output 'logits'");
  return evaluator;
}

Result<std::span<const float>> Evaluator::rows_of(const RowOutput& output, std::int32_t valid) {
  if (output.output < 0) return std::span<const float>();
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::span<const std::byte> bytes,
                                executor_.read_output(variant_, output.output));
  return std::span(reinterpret_cast<const float*>(bytes.data()),
                   static_cast<std::size_t>(valid) * static_cast<std::size_t>(output.width));
}

Status Evaluator::for_each_batch(const Dataset& data, const ControlRows& control,
                                 const BatchFunction& function) {
  if (data.empty()) return {};
  const Variant& variant = variant_of(executor_.spec(), variant_);
  LoaderOptions options;
  options.batch = static_cast<std::int32_t>(variant.batch);
  options.num_threads = 0; // a copy per batch: not worth a thread
  options.end_epoch = 1;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(options.slots, batch_slots(executor_, variant_, data, first_slot_, kSlots));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      const std::unique_ptr<BatchLoader> loader,
      BatchLoader::create(make_sequential_sampler(data.num_rows), std::move(options)));
  for (;;) {
    BatchInfo info;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool more, loader->acquire(info));
    if (!more) return {};
    StepValues values;
    values.valid = info.valid;
    values.slot = first_slot_ + static_cast<std::uint32_t>(info.slot);
    control.write(executor_, executor_.counter(), values);
    TAILOR_RETURN_IF_ERROR_AS_IS(executor_.run(variant_, 1));
    EvaluatedBatch batch;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(batch.logits, rows_of(logits_, info.valid));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(batch.features, rows_of(features_, info.valid));
    if (data.labelled)
      batch.labels = data.labels().subspan(static_cast<std::size_t>(info.draw_position),
                                           static_cast<std::size_t>(info.valid));
    batch.valid = info.valid;
    batch.first_row = info.draw_position;
    TAILOR_RETURN_IF_ERROR_AS_IS(function(batch));
    loader->release(1);
  }
}

Result<EvaluationPlan> evaluation_plan(const ArtifactSpec& spec, const Options& options,
                                       const FittedState& fitted) {
  EvaluationPlan plan;
  plan.num_classes = spec.schema.num_classes;
  plan.positive_class =
      spec.schema.positive_class >= 0 ? spec.schema.positive_class : spec.schema.num_classes - 1;
  plan.train_class_counts = fitted.class_counts;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys keys, read_keys<EvalKeys>(options));
  TAILOR_ASSIGN_OR_RETURN(plan.groups, parse_group_rule(keys.groups),
                          concat("'", key_name(&EvalKeys::groups), "'"));
  plan.requested = keys.metrics;
  return plan;
}

Result<EvaluationResult> evaluate(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                                  const EvaluationPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluation evaluation, Evaluation::create(plan));
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluator.for_each_batch(data, control, [&](const EvaluatedBatch& batch) {
    return evaluation.add(batch.logits, batch.labels, batch.valid);
  }));
  return evaluation.finish();
}

void probabilities(std::span<const float> logits, std::span<double> result) {
  if (logits.size() == 1) {
    result[1] = 1.0 / (1.0 + std::exp(-double{logits[0]}));
    result[0] = 1.0 - result[1];
    return;
  }
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (std::size_t k = 0; k < logits.size(); ++k)
    sum += result[k] = std::exp(double{logits[k]} - largest);
  for (double& p : result)
    p /= sum;
}

std::int32_t decision(std::span<const float> logits) {
  if (logits.size() == 1) return logits[0] > 0;
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

} // namespace tailor::runtime
