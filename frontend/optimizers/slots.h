#pragma once

#include "frontend/graph/lifetime.h"
#include "frontend/graph/state.h"

#include <memory>
#include <string>
#include <vector>

namespace tailor::optim {

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

private:
  std::string group_;
  std::vector<std::shared_ptr<const State>> states_;
  std::vector<std::shared_ptr<const State>> parameters_; ///< whose slots they are
};

} // namespace tailor::optim
