#pragma once
#include "runtime/artifact/reader.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// `value` as `--set` of a recipe takes it, so that reading the text gives the value again: "none", 0.1, sam-a,
/// ["crop","flip"], {"a" = 1}.
std::string setting_text(const Option& option);

/// How an artifact comes to have `settings` (key, text): the command that compiles its recipe as it was compiled, for
/// the same target and with the same --set and flags, with `settings` over them. Of a C++ program or a dump: where to
/// change it, as no command line does.
std::string rebuild_hint(const Artifact& artifact,
                         const std::vector<std::pair<std::string, std::string>>& settings);

} // namespace tailor::runtime
