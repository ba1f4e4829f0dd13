#include "frontend/optimizers/slots.h"

#include "frontend/graph/error.h"

namespace tailor::optim {

std::shared_ptr<const State> SlotGroup::slot(const std::shared_ptr<const State>& parameter,
                                             const InitRule& init, const Location& location) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i]->name != parameter->name) continue;
    if (parameters_[i] == parameter) return states_[i];
    throw TraceError(
        "update",
        "'" + group_ + "' already holds what belongs to another parameter '" + parameter->name + "'",
        location, "give every module an optimizer or average of its own, or put both in one module");
  }
  auto state = std::make_shared<State>(*parameter);
  state->group = group_;
  state->init = init;
  state->role = State::Role::slot;
  states_.push_back(state);
  parameters_.push_back(parameter);
  return state;
}

} // namespace tailor::optim
