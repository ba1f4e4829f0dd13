// What averages of the weights ask of a program: evaluations that read them, and statistics made anew for them.
#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"
#include "frontend/program_tracer.h"
#include "runtime/base/entry_names.h"

#include <algorithm>

namespace tailor {

void ProgramTracer::note_frozen(const Trace& trace) {
  ++num_recorded_steps_;
  for (const TrainingProgram::Group& group : program_.groups) {
    if (!group.module) continue;
    for (const auto& [name, tensor] : group.module->tensors())
      if (tensor->state()->role == State::Role::buffer && trace.frozen(*tensor->state()))
        ++frozen_[tensor->state()];
  }
}

void ProgramTracer::trace_statistics(const TrainingProgram::Impl::NamedEval& function) {
  const std::vector<std::int64_t>& sizes = program_.data_options.batch.sizes();
  OpIds::Variants variants;
  for (std::int64_t size : sizes) {
    variants.begin();
    Entry entry = variant_of(Entry::Kind::statistics, runtime::statistics_entry_name(function.name), sizes,
                             size, function.location);
    Trace trace(Trace::Kind::entry, size);
    for (const auto& [state, count] : frozen_)
      if (count == num_recorded_steps_) trace.freeze(state);
    redirect_to_average(trace, function);
    LocationScope scope(function.location);
    // Of a cumulative mean over all rows: b / (n + b), n rows before these b (methods.md 4.4).
    const Array rng = trace.control("rng", {DType::i32, {4}}, function.location);
    const Array before = cast(reshape(slice(rng, {3}, {4}), {}), DType::f32);
    const Array rows = cast(trace.control("valid", {DType::i32, {}}, function.location), DType::f32);
    Eval eval(*this, entry, {.train = true, .statistics_share = rows / (before + rows)});
    run_user_code(function.name, function.location, [&] { function.eval(eval); });
    entry.stores = trace.writes();
    entry.outputs.clear();
    if (entry.stores.empty())
      throw TraceError(function.name,
                       "the average is to recompute running statistics, and this evaluation runs no batch "
                       "norm that has any",
                       function.location,
                       "the network is called with eval.context(); bn = avg needs no pass");
    out_.entries.push_back(std::move(entry));
  }
}

/// An average that something reads and nothing moves would stay what the weights were at first.
void ProgramTracer::check_averages() const {
  for (const TrainingProgram::Group& group : program_.groups) {
    if (group.kind != StateKind::ema || group.slots.empty()) continue;
    const auto& states = group.slots.front().second->states();
    if (states.empty()) continue; // nothing reads it
    const bool moves = std::any_of(out_.entries.begin(), out_.entries.end(), [&](const Entry& entry) {
      return std::any_of(entry.stores.begin(), entry.stores.end(), [&](const Trace::Binding& store) {
        return std::find(states.begin(), states.end(), store.first) != states.end();
      });
    });
    if (!moves)
      throw TraceError("state", "the average '" + group.name + "' is read but never updated", group.location,
                       "step.update(ema, net) after the optimizer's update");
  }
}

void ProgramTracer::redirect_to_average(Trace& trace, const TrainingProgram::Impl::NamedEval& eval) const {
  optim::Ema& ema = *eval.options.weights.ema();
  if (ema.slots().states().empty())
    throw TraceError(eval.name, "the average that evaluation reads is never updated", eval.location,
                     "step.update(ema, net) in the train step");
  for (const TrainingProgram::Group& group : program_.groups) {
    if (!group.module) continue;
    for (const auto& [name, tensor] : group.module->tensors())
      for (optim::SlotGroup* slots : {&ema.slots(), &ema.batchnorm_slots()})
        for (const auto& average : slots->states())
          if (average->init.source == tensor->state()) trace.redirect(tensor->state(), average);
  }
}

} // namespace tailor
