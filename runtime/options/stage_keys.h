#pragma once
#include "runtime/base/options.h"

#include <string_view>

namespace tailor::runtime {

/// Run keys that are read anew for every stage of training. The others are the same for a whole run.
bool may_differ_by_stage(std::string_view key);

/// Whether a [[stage]] of a recipe may have a key of its own: a run key that may differ, or a compile key of which the
/// stage's step is made.
bool may_be_of_stage(std::string_view key, OptionStage stage);

} // namespace tailor::runtime
