#pragma once
// From a recipe file to a program ready to compile.

#include "backend/driver/Driver.h"
#include "models/recipe/build.h"
#include "models/recipe/parse.h"
#include "runtime/base/file.h"
#include "runtime/base/result.h"

#include <memory>
#include <string>
#include <vector>

namespace tailor::tools {

struct LoadedRecipe {
  recipe::Recipe recipe;
  std::unique_ptr<recipe::Program> program;
  std::vector<runtime::InputFile> inputs; ///< files that were read: the recipe, its bases, the tables
};

/// Parses `path` with `overrides` ("key=value") on top, checks it against the schema of its data and traces
/// nothing yet. `data_folder`: where its paths of data start, instead of its own folder.
///
/// Errors   kInvalidArgument whose message is ready to print: every complaint with its line, caret, notes and
///          hint.
runtime::Result<LoadedRecipe> load_recipe(const std::string& path, const std::vector<std::string>& overrides,
                                          const std::string& data_folder = "");

/// Traces and compiles.
/// Errors  those of backend::compile; what tracing finds, ready to print as above.
runtime::Result<backend::Compilation> compile_recipe(LoadedRecipe& loaded,
                                                     const backend::CompileOptions& options);

} // namespace tailor::tools
