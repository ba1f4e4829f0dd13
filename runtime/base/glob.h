#pragma once
#include <string_view>

namespace tailor::runtime {

/// True if `pattern` names all of `name`: `*` stands for any letters, dots and none included, `?` for one; every other
/// letter for itself. Linear in the length of `name` times that of `pattern`, whatever the pattern.
bool matches_glob(std::string_view pattern, std::string_view name);

} // namespace tailor::runtime
