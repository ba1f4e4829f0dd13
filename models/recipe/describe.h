#pragma once

#include "models/recipe/parse.h"

#include <string>
#include <string_view>
#include <vector>

namespace tailor::recipe {

/// What `tailor recipe --describe` prints: every key (a block a section, an entry a key), what a [[stage]] may have, every
/// component by kind, the built-in bases, and what belongs to the grammar but not to this version.
std::string describe();

/// What `tailor recipe --describe NAME` prints: the keys of a section ("optimizer", "method.sam-a"), one key ("optimizer.lr",
/// or its last word), the component of that name with its keys. Empty: there is nothing of that name.
std::string describe(std::string_view name);
/// What NAME may be, for a hint: sections, keys and names of components.
std::vector<std::string> described_names();

/// What `tailor recipe FILE` prints: "optimizer.lr = 0.1   # r.toml:4:1" for every key that has an effect (or was set all
/// the same), then what each stage has otherwise, as "stage.NAME.KEY", and how many keys have none.
std::string values_of(const Recipe& recipe);

/// A Markdown table of the components of a kind ("method"): name, what, source, keys. tools/scripts/check-lists keeps the
/// READMEs equal to it. Empty: there is no such kind.
std::string component_table(std::string_view kind);

} // namespace tailor::recipe
