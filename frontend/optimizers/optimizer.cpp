#include "frontend/optimizers/optimizer.h"

#include "frontend/error.h"

namespace tailor::optim {

DecayFilter decay_filter_from_name(std::string_view name, const Location& location) {
  if (name == "all") return DecayFilter::all;
  if (name == "no_norm_bias") return DecayFilter::no_norm_bias;
  throw TraceError("optimizer", "'" + std::string(name) + "' is not a decay filter", location,
                   "one of all, no_norm_bias");
}

std::shared_ptr<const State> SlotGroup::slot(const State& parameter, const InitRule& init) {
  for (const auto& state : states_)
    if (state->name == parameter.name) return state;
  auto state = std::make_shared<State>(parameter);
  state->group = group_;
  state->init = init;
  state->role = State::Role::slot;
  states_.push_back(state);
  return state;
}

} // namespace tailor::optim
