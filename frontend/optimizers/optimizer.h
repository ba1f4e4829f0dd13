#pragma once

#include "frontend/state.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::optim {

/// Which parameters decay: all (the references of methods.md 4.1), or not biases and normalisation weights.
enum class DecayFilter : std::uint8_t { all, no_norm_bias };
DecayFilter decay_filter_from_name(std::string_view name, const Location& location = {});

/// State an optimizer keeps per parameter. The group is named by TrainingProgram::state; slots are declared
/// the first time a step updates the parameter and are named "<parameter>.<slot>".
class SlotGroup {
public:
  void name(std::string group) { group_ = std::move(group); }
  const std::string& group() const { return group_; }
  /// The slot of `parameter`, declared on first use with `init`.
  std::shared_ptr<const State> slot(const State& parameter, std::string_view suffix, const InitRule& init,
                                    State::Role role = State::Role::slot);
  const std::vector<std::shared_ptr<const State>>& states() const { return states_; }

private:
  std::string group_;
  std::vector<std::shared_ptr<const State>> states_;
};

} // namespace tailor::optim
