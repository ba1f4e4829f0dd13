#pragma once
// What no single key can tell: keys that contradict each other.

#include "frontend/recipe/parse.h"

namespace tailor::recipe {

/// Adds one complaint to `recipe.errors` for every contradiction, at the later of the two places, with the
/// other as a note.
void check(Recipe& recipe);

} // namespace tailor::recipe
