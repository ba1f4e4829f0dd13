#pragma once
// Options with every key of the table.

#include "models/recipe/parse.h"

namespace tailor::recipe {

/// Gives keys that are not set their default.
void fill_defaults(Options& options);

} // namespace tailor::recipe
