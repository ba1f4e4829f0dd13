#pragma once

#include <string>

namespace tailor::recipe {

/// What `tailor recipe --describe` prints: every key (a block a section, an entry a key), every component by kind, the
/// built-in bases, and what belongs to the grammar but not to this version.
std::string describe();

} // namespace tailor::recipe
