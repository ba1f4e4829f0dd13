#pragma once
#include <string_view>

namespace tailor::runtime {

/// Run keys that are read anew for every stage of training. The others are the same for a whole run.
bool may_differ_by_stage(std::string_view key);

} // namespace tailor::runtime
