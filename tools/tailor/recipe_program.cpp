#include "tools/tailor/recipe_program.h"

#include "frontend/graph/error.h"
#include "frontend/traced_program.h"
#include "models/recipe/check.h"
#include "runtime/base/log.h"
#include "runtime/data/open.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/table_keys.h"
#include "runtime/train/run_folder.h"

namespace tailor::tools {
namespace {

using runtime::DataKeys;
using runtime::key_name;
using runtime::Result;
using runtime::Status;
using runtime::StatusCode;
using runtime::TableKeys;

// The complaints of a recipe end in a newline each; a Status message does not.
Status complaints(const recipe::Recipe& recipe) {
  std::string text = recipe.messages();
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return Status(StatusCode::kInvalidArgument, std::move(text));
}

// What the data say, at the recipe's line it is about: the key, else the table, else the kind of data.
Status about_data(recipe::Recipe& recipe, const Status& status) {
  if (status.code() == StatusCode::kInternal) return status;
  for (const std::string& key :
       {status.key(), std::string(key_name(&TableKeys::train)), std::string(key_name(&DataKeys::format))})
    if (recipe.place(key).known()) {
      recipe.error(key, status.message(), status.hint());
      return complaints(recipe);
    }
  recipe.error(status.key(), status.message(), status.hint());
  return complaints(recipe);
}

Status about_trace(recipe::Recipe& recipe, const TraceError& error) {
  const Location& at = error.location();
  const recipe::Place place = !at.known() ? recipe::Place{recipe.path}
                                          : recipe::Place{at.file, at.column == 0 ? 0 : at.line, at.column};
  recipe.errors.push_back({place, error.op() + ": " + error.message(), {}, error.hint()});
  return complaints(recipe);
}

} // namespace

Result<LoadedRecipe> load_recipe(const std::string& path, const std::vector<std::string>& overrides,
                                 const std::string& data_folder) {
  if (path.ends_with(".tailor"))
    return runtime::invalid_argument("'", path, "' is a compiled program, not a recipe")
        .with_hint(runtime::shell_words({"tailor", "run", path}));
  if (path.ends_with(".csv") || path.ends_with(".csv.gz"))
    return runtime::invalid_argument("'", path, "' is a table, not a recipe")
        .with_hint(runtime::shell_words({"tailor", "init", path}) + " writes a recipe for it");
  LoadedRecipe loaded{recipe::parse(path, overrides), nullptr, {}};
  if (!loaded.recipe.ok()) return complaints(loaded.recipe);
  Result<runtime::DataPlan> plan = runtime::read_data_plan(loaded.recipe.options, data_folder);
  if (!plan.ok()) return about_data(loaded.recipe, plan.status());
  runtime::SchemaNotes notes;
  Result<runtime::DataSchema> schema = schema_of(*plan, &notes);
  if (!schema.ok()) return about_data(loaded.recipe, schema.status());
  for (const std::string& note : notes)
    runtime::log_info("note: " + note);
  for (const std::string& file : loaded.recipe.files)
    loaded.inputs.push_back({file == path ? "recipe" : "base recipe", file});
  for (auto& [what, file] : plan->source->files())
    loaded.inputs.push_back({what, file});
  recipe::check_schema(loaded.recipe, *schema);
  if (!loaded.recipe.ok()) return complaints(loaded.recipe);
  for (const std::string& note : loaded.recipe.notes)
    runtime::log_info("note: " + note);
  try {
    loaded.program = std::make_unique<recipe::Program>(loaded.recipe, *schema);
  } catch (const TraceError& error) {
    return about_trace(loaded.recipe, error);
  }
  return loaded;
}

Result<backend::Compilation> compile_recipe(LoadedRecipe& loaded, const backend::CompileOptions& options) {
  try {
    return backend::compile(loaded.program->training().trace(), options, loaded.recipe.path,
                            loaded.recipe.text);
  } catch (const TraceError& error) {
    return about_trace(loaded.recipe, error);
  }
}

} // namespace tailor::tools
