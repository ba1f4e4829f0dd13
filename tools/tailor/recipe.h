#pragma once
// `tailor recipe`: the grammar, and what a recipe says once bases and overrides are merged.

#include <string>
#include <vector>

namespace tailor::tools {

struct RecipeOptions {
  bool describe = false;              ///< print every key with type, default, stage, text and source
  std::string described;              ///< only those of this section, key or component
  std::string list;                   ///< print the components of this kind, as a Markdown table
  std::string base;                   ///< print this built-in base recipe
  std::string path;                   ///< print this recipe's value of every key with the place that set it
  std::vector<std::string> overrides; ///< "key=value"
};

/// Returns the process's exit status.
int run_recipe(const RecipeOptions& options);

} // namespace tailor::tools
