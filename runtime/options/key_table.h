#pragma once
#include "runtime/options/key.h"

#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Every key there is: those of the fixed sections (this folder), then those of every registered component. Ordered by
/// section as recipes are read ([data], [model], [method], [optimizer], [schedule], [run], [eval]), within one as
/// declared. Parsing, the checks of `--set`, `tailor recipe --describe`, hints and docs follow it.
///
/// A component that registers later is in the next call's answer; what earlier calls gave stays valid.
const std::vector<KeySpec>& key_table();

/// The entry of `key`, or nullptr.
const KeySpec* find_key(std::string_view key);

} // namespace tailor::runtime
