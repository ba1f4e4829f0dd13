#pragma once
#include "runtime/base/options.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Option::only_if taken apart: the option has an effect only if one of `keys` has one of `values`, or, without
/// values, is set; of a list, if one of its words is among them. No keys: always. The value "none" is also that of a key that is not set.
struct OptionCondition {
  std::vector<std::string> keys, values;

  /// "KEY = VALUE|VALUE", "KEY|KEY = VALUE", "KEY" or "".
  static OptionCondition parse(std::string_view text);

  bool operator==(const OptionCondition&) const = default;
};

/// The condition that keeps `key` from having an effect among `options`: its own, or that of the key it depends
/// on. nullopt: it has an effect. A condition none of whose keys is among the options decides nothing.
std::optional<OptionCondition> unmet_condition(const Options& options, std::string_view key);

} // namespace tailor::runtime
