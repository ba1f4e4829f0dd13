#pragma once
// One TOML value -> one option value of the type and within the limits its key declares.

#include "runtime/base/options.h"
#include "runtime/options/key.h"

#include <optional>
#include <string>
#include <vector>

namespace toml {
inline namespace v3 {
class node;
}
} // namespace toml

namespace tailor::recipe {

using runtime::KeySpec;
using runtime::Option;
using runtime::OptionValue;

struct Conversion {
  struct Complaint {
    std::string error, hint;
    std::optional<std::size_t> element = {}; // of a list: the one that is wrong
  };
  OptionValue value;
  std::vector<Complaint> complaints; // of a list one for every wrong element; none: the value is good

  bool ok() const { return complaints.empty(); }
};

/// Checks type, choices and limits. "optimizer.lr must be a number >= 0, not \"fast\"". Where a list is wanted
/// a single element is a list of one.
Conversion convert(const KeySpec& spec, const toml::node& node);

/// The same for the text of `--set key=text`: what is no TOML value is taken as text ("sgd"), and where a list is
/// wanted its elements may be separated by commas ("sam,ema").
Conversion convert_text(const KeySpec& spec, const std::string& text);

/// "a string", "an integer", ...: what a TOML value is, for messages.
std::string toml_kind(const toml::node& node);

} // namespace tailor::recipe
