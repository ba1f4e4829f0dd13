#include "frontend/optimizers/ema.h"

#include "frontend/graph/trace.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/update.h"
#include "frontend/optimizers/recorder.h"

#include <algorithm>

namespace tailor::optim {

using runtime::OptionStage;

void Ema::record(Recorder& recorder, const nn::Module& net, const Array& valid, const Location& location) {
  const OptionPrefix prefix = recorder.prefix_of("method.ema", this, location);
  detail::require_between("update", "decay", options_.decay, 0, 1, location);
  recorder.default_option(prefix.key + "decay", options_.decay, OptionStage::kRun, location);
  recorder.default_option(prefix.key + "warmup", options_.warmup, OptionStage::kRun, location);
  recorder.default_option(prefix.key + "bn", runtime::word_of(options_.bn), OptionStage::kCompile, location);
  Trace& trace = Trace::require("update", location);
  const Array decay = recorder.average_decay(prefix, location);
  const auto is_written = [&](const std::shared_ptr<const State>& state) {
    return std::any_of(trace.writes().begin(), trace.writes().end(),
                       [&](const Trace::Binding& binding) { return binding.first == state; });
  };
  auto average = [&](SlotGroup& slots, State::Role role) {
    std::vector<std::shared_ptr<const State>> states;
    std::vector<Array> averages;
    // What the step has moved, then what it left alone (frozen): the first is what its update wrote, of which the
    // average becomes a part.
    for (bool moved : {true, false}) {
      std::vector<std::shared_ptr<const State>> part;
      std::vector<Array> olds, values;
      for (const auto& [name, tensor] : net.tensors()) {
        if (tensor->state()->role != role || is_written(tensor->state()) != moved) continue;
        part.push_back(slots.slot(tensor->state(), InitRule::copy_of(tensor->state()), location));
        recorder.note_slot(*part.back(), *tensor->state());
        olds.push_back(trace.read(part.back(), location));
        values.push_back(trace.read(tensor->state(), location));
      }
      if (part.empty()) continue;
      const std::vector<Array> updated = ema_update(olds, values, decay, valid, location);
      states.insert(states.end(), part.begin(), part.end());
      averages.insert(averages.end(), updated.begin(), updated.end());
    }
    for (std::size_t i = 0; i < states.size(); ++i)
      trace.write(states[i], averages[i]);
  };
  average(slots_, State::Role::parameter);
  if (options_.bn == EmaBatchNorm::avg) average(batchnorm_slots_, State::Role::buffer);
  if (options_.bn == EmaBatchNorm::recompute) declare(net, location);
}

void Ema::declare(const nn::Module& net, const Location& location) {
  for (const auto& [name, tensor] : net.tensors()) {
    const bool is_buffer = tensor->state()->role == State::Role::buffer;
    if (is_buffer && options_.bn == EmaBatchNorm::copy) continue;
    (is_buffer ? batchnorm_slots_ : slots_)
        .slot(tensor->state(), InitRule::copy_of(tensor->state()), location);
  }
}

Ema::Scope::Scope(Ema& ema, nn::Module& net, const Location& location) {
  Trace& trace = Trace::require("ema.apply", location);
  if (ema.slots().group().empty())
    throw TraceError("ema.apply", "the average has no state in this program", location,
                     "program.state(\"ema\", ema)");
  if (ema.options().bn == EmaBatchNorm::recompute)
    throw TraceError("ema.apply",
                     "its running statistics are recomputed before evaluations with the average, not here",
                     location, "EmaBatchNorm::avg or copy; or an evaluation with EvalOptions::weights");
  ema.declare(net, location);
  num_redirects_ = trace.num_redirects();
  for (const auto& [name, tensor] : net.tensors())
    for (SlotGroup* slots : {&ema.slots(), &ema.batchnorm_slots()})
      for (const auto& average : slots->states())
        if (average->init.source == tensor->state()) trace.redirect(tensor->state(), average);
  writes_forbidden_ = trace.forbid_writes("in a pass with averaged weights");
}

Ema::Scope::~Scope() {
  Trace* trace = Trace::current();
  trace->end_redirects(num_redirects_);
  trace->forbid_writes(std::move(writes_forbidden_));
}

} // namespace tailor::optim
