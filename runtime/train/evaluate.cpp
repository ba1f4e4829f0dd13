#include "runtime/train/evaluate.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {

Result<Evaluator> Evaluator::create(Executor& executor, std::int32_t entry, std::uint32_t first_slot) {
  const std::vector<Variant>& variants = executor.spec().entries[static_cast<std::size_t>(entry)].variants;
  const std::string& name = executor.spec().entries[static_cast<std::size_t>(entry)].name;
  if (variants.empty()) return incompatible("entry '", name, "' has no variants");
  const auto largest = std::max_element(variants.begin(), variants.end(),
                                        [](const Variant& a, const Variant& b) { return a.batch < b.batch; });
  Evaluator evaluator(executor, {entry, static_cast<std::int32_t>(largest - variants.begin())});
  evaluator.first_slot_ = first_slot;
  for (std::size_t i = 0; i < largest->outputs.size(); ++i)
    if (largest->outputs[i].name == "logits") evaluator.output_ = static_cast<std::int32_t>(i);
  if (evaluator.output_ < 0) return incompatible("entry '", name, "' has no output 'logits'");
  const Output& output = largest->outputs[static_cast<std::size_t>(evaluator.output_)];
  const std::size_t rank = output.shape.size();
  if (output.dtype != DType::kF32 || rank < 1 || rank > 2 || largest->batch < 1 ||
      output.shape[0] != largest->batch ||
      (rank == 2 && (output.shape[1] < 1 || output.shape[1] > INT32_MAX)))
    return incompatible("output 'logits' of entry '", name, "' is not f32 [batch, classes]");
  evaluator.width_ = rank == 2 ? static_cast<std::int32_t>(output.shape[1]) : 1;
  return evaluator;
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
  std::vector<std::vector<std::int32_t>>
      own_labels; // a program whose evaluation takes no label still needs it here
  if (!options.slots.front().label) {
    own_labels.assign(kSlots, std::vector<std::int32_t>(static_cast<std::size_t>(variant.batch)));
    for (std::uint32_t s = 0; s < kSlots; ++s)
      options.slots[s].label = own_labels[s].data();
  }
  const std::vector<BatchSlot> slots = options.slots;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      const std::unique_ptr<BatchLoader> loader,
      BatchLoader::create(data, make_sequential_sampler(data.num_rows), std::move(options)));
  for (;;) {
    BatchInfo info;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool more, loader->acquire(info));
    if (!more) return {};
    StepValues values;
    values.valid = info.valid;
    values.slot = first_slot_ + static_cast<std::uint32_t>(info.slot);
    control.write(executor_, executor_.counter(), values);
    TAILOR_RETURN_IF_ERROR_AS_IS(executor_.run(variant_, 1));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::span<const std::byte> bytes,
                                  executor_.read_output(variant_, output_));
    const auto valid = static_cast<std::size_t>(info.valid);
    const std::span<const float> logits(reinterpret_cast<const float*>(bytes.data()),
                                        valid * static_cast<std::size_t>(width_));
    const std::span<const std::int32_t> labels(slots[static_cast<std::size_t>(info.slot)].label, valid);
    TAILOR_RETURN_IF_ERROR_AS_IS(function(logits, labels, info.valid, info.draw_position));
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
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string groups, options.get_string("eval.groups", ""));
  if (!groups.empty()) {
    TAILOR_ASSIGN_OR_RETURN(plan.groups, parse_group_rule(groups), "'eval.groups'");
  }
  if (options.has_value("eval.metrics")) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.extra, options.get_strings("eval.metrics"));
  }
  return plan;
}

Result<EvaluationResult> evaluate(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                                  const EvaluationPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluation evaluation, Evaluation::create(plan));
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluator.for_each_batch(
      data, control,
      [&](std::span<const float> logits, std::span<const std::int32_t> labels, std::int32_t valid,
          std::int64_t) { return evaluation.add(logits, labels, valid); }));
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
