#pragma once

#include "frontend/lifetime.h"
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

/// One tensor per parameter of a module, in one state group, under the parameter's name: momenta, moments,
/// averages. The group is laid out like the parameters, so that an update is one flat loop.
class SlotGroup {
public:
  void set_group(std::string group) { group_ = std::move(group); }
  const std::string& group() const { return group_; }
  /// The slot of `parameter`, declared on first use.
  /// Errors   TraceError when another parameter of that name has it: slots are told apart by name.
  std::shared_ptr<const State> slot(const std::shared_ptr<const State>& parameter, const InitRule& init,
                                    const Location& location);
  const std::vector<std::shared_ptr<const State>>& states() const { return states_; }
  const Lifetime& lifetime() const { return lifetime_; }

private:
  std::string group_;
  std::vector<std::shared_ptr<const State>> states_;
  std::vector<std::shared_ptr<const State>> parameters_; ///< whose slots they are
  Lifetime lifetime_;
};

} // namespace tailor::optim
