#pragma once

#include <string>
#include <string_view>

namespace tailor::recipe {

/// What `tailor recipe --describe` prints: every key (a block a section, an entry a key), every component by kind, the
/// built-in bases, and what belongs to the grammar but not to this version.
std::string describe();

/// A Markdown table of the components of a kind ("method"): name, what, source, keys. tools/scripts/check-lists keeps the
/// READMEs equal to it. Empty: there is no such kind.
std::string component_table(std::string_view kind);

} // namespace tailor::recipe
