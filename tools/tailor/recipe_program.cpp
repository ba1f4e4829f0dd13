#include "tools/tailor/recipe_program.h"

#include "frontend/error.h"
#include "runtime/data/plan.h"
#include "runtime/data/schema.h"

namespace tailor::tools {
namespace {

using runtime::Result;
using runtime::Status;
using runtime::StatusCode;

// The complaints of a recipe end in a newline each; a Status message does not.
Status complaints(const recipe::Recipe& recipe) {
  std::string text = recipe.messages();
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return Status(StatusCode::kInvalidArgument, std::move(text));
}

// What the data say, at the recipe's line that names them.
Status about_data(recipe::Recipe& recipe, const Status& status) {
  if (status.code() == StatusCode::kInternal) return status;
  recipe.error(recipe.is_set("data.train") ? "data.train" : "data.format", status.message(), status.hint());
  return complaints(recipe);
}

} // namespace

Result<LoadedRecipe> load_recipe(const std::string& path, const std::vector<std::string>& overrides) {
  LoadedRecipe loaded{recipe::parse(path, overrides), nullptr};
  if (!loaded.recipe.ok()) return complaints(loaded.recipe);
  Result<runtime::DataPlan> plan = runtime::data_plan_from(loaded.recipe.options, "");
  if (!plan.ok()) return about_data(loaded.recipe, plan.status());
  Result<runtime::DataSchema> schema = runtime::schema_of(*plan);
  if (!schema.ok()) return about_data(loaded.recipe, schema.status());
  try {
    loaded.program = std::make_unique<recipe::Program>(loaded.recipe, *schema);
  } catch (const TraceError& error) {
    const Location& at = error.location();
    loaded.recipe.errors.push_back(
        {{at.file, at.line, at.column}, error.op() + ": " + error.message(), {}, error.hint()});
    return complaints(loaded.recipe);
  }
  return loaded;
}

} // namespace tailor::tools
