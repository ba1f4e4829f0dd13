#pragma once

#include "frontend/graph/location.h"
#include "runtime/options/words.h"

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::optim {

/// Which parameters decay: all (the references of methods.md 4.1), or not biases and normalisation weights.
enum class DecayFilter : std::uint8_t { all, no_norm_bias };

} // namespace tailor::optim

template <> struct tailor::runtime::Words<tailor::optim::DecayFilter> {
  using DecayFilter = tailor::optim::DecayFilter;
  static constexpr std::pair<DecayFilter, const char*> kAll[] = {{DecayFilter::all, "all"},
                                                                 {DecayFilter::no_norm_bias, "no_norm_bias"}};
};

namespace tailor::optim {

/// Parameters with numbers of their own:
///
///   optim::Sgd sgd{{.momentum = 0.9,
///                   .weight_decay = 1e-4,
///                   .groups = {{.name = "head", .match = {"head.*"}, .lr_scale = 8},
///                              {.name = "biases", .match = {"*.bias"}, .weight_decay = 0}}}};
///
/// `match` are globs over whole parameter names (`*` any letters, dots included; `?` one). What a group does not say is
/// the optimizer's; a weight_decay goes over its decay filter. A parameter may be in several groups of which no two say
/// the same thing. The numbers are run keys
/// optimizer.groups.<name>.lr, .lr_scale and .weight_decay (of a second optimizer optimizer.<state group>.groups...) and
/// control fields group_<name>_lr, group_<name>_lr_scale, group_<name>_weight_decay.
///
/// `lr` is a rate in place of the update's, whatever that is set to; it has the same schedule. `lr_scale` goes with it.
///
/// Cost     none to speak of: groups are ranges of the optimizer's one launch.
/// Errors   TraceError, at the line of the group, when it has no name or the name of another, says nothing, has a number
///          out of range, an lr beside a lr_scale or beside a rate that the step computes, or when a pattern matches
///          nothing that is updated or gives a parameter a second number.
struct ParameterGroup {
  std::string name;
  std::vector<std::string> match;
  std::optional<double> lr = {};       ///< instead of the learning rate of the update
  std::optional<double> lr_scale = {}; ///< times the learning rate of the update
  std::optional<double> weight_decay = {};
  std::source_location where = std::source_location::current();
  Location place = {}; ///< of a recipe's, instead of `where`
};

/// What a recorded update does with a parameter: the group that says its rate, and the one that says its decay.
struct Membership {
  std::optional<std::size_t> rate, weight_decay; ///< indices of groups; none: the optimizer's own
  bool operator==(const Membership&) const = default;
};

/// `hint` of a pattern that matches none of `names`: the nearest ones, at most three.
std::string nearest_names(std::string_view pattern, const std::vector<std::string>& names);

} // namespace tailor::optim
