#pragma once
// One TOML value -> one option value of the type and within the limits its key declares.

#include <optional>
#include <string>

#include "frontend/recipe/schema.h"
#include "runtime/base/options.h"

namespace toml {
inline namespace v3 {
class node;
}
} // namespace toml

namespace tailor::recipe {

using runtime::Option;
using runtime::OptionValue;

struct Conversion {
  OptionValue value;
  std::string error; // empty: the value is good
  std::string hint;
  std::optional<size_t> element = {}; // of a list: the one that is wrong
};

/// Checks type, choices and limits. "optimizer.lr must be a number >= 0, not \"fast\"".
Conversion convert(const KeySpec& spec, const toml::node& node);

/// "a string", "an integer", ...: what a TOML value is, for messages.
std::string toml_kind(const toml::node& node);

/// The option as the artifact stores it: value, stage, limits and the place that set it.
Option make_option(const KeySpec& spec, OptionValue value, std::string origin);

} // namespace tailor::recipe
