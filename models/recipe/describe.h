#pragma once

#include "models/recipe/parse.h"

#include <string>
#include <string_view>

namespace tailor::recipe {

/// What `tailor recipe --describe` prints: every key (a block a section, an entry a key), what a [[stage]] may have, every
/// component by kind, the built-in bases, and what belongs to the grammar but not to this version.
std::string describe();

/// What `tailor recipe FILE` prints: "optimizer.lr = 0.1   # r.toml:4:1" for every key, then what each stage has
/// otherwise, as "stage.NAME.KEY".
std::string values_of(const Recipe& recipe);

/// A Markdown table of the components of a kind ("method"): name, what, source, keys. tools/scripts/check-lists keeps the
/// READMEs equal to it. Empty: there is no such kind.
std::string component_table(std::string_view kind);

} // namespace tailor::recipe
