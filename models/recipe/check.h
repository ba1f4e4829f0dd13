#pragma once
// What no single key can tell: keys that contradict each other, or the data.

#include "models/recipe/parse.h"
#include "runtime/base/data_schema.h"

namespace tailor::recipe {

/// Adds one complaint to `recipe.errors` for every contradiction, at the later of the two places, with the
/// other as a note. A value from a base file that a file above it made meaningless is no contradiction.
void check(Recipe& recipe);

/// The same for what depends on the classes of the data: metrics, groups, count profiles.
void check_schema(Recipe& recipe, const runtime::DataSchema& schema);

} // namespace tailor::recipe
