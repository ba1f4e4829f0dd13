#pragma once
// From a recipe file to a program ready to compile.

#include <memory>
#include <string>
#include <vector>

#include "frontend/recipe/build.h"
#include "frontend/recipe/parse.h"
#include "runtime/base/result.h"

namespace tailor::tools {

struct LoadedRecipe {
  recipe::Recipe recipe;
  std::unique_ptr<recipe::Program> program;
};

/// Parses `path` with `overrides` ("key=value") on top, reads the schema of its data and traces nothing yet.
///
/// Errors  kInvalidArgument whose message is ready to print: every complaint with its line, caret, notes and
/// hint.
runtime::Result<LoadedRecipe> load_recipe(const std::string& path, const std::vector<std::string>& overrides);

} // namespace tailor::tools
