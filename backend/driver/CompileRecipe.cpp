#include "backend/driver/CompileRecipe.h"

#include "backend/driver/Evaluate.h"
#include "frontend/data.h"
#include "frontend/error.h"
#include "frontend/recipe/build.h"
#include "frontend/recipe/parse.h"
#include "runtime/base/file.h"
#include "runtime/data/schema.h"

#include <filesystem>

namespace tailor::backend {
namespace {

using runtime::Status;
using runtime::StatusCode;

runtime::Result<runtime::DataSchema> schemaOf(const runtime::Options& options, const std::string& folder) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(runtime::DataPlan plan, runtime::data_plan_from(options, folder));
  return runtime::schema_of(plan);
}

runtime::Result<runtime::DataSchema> readSchema(const std::string& path) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::string text, runtime::read_file(path));
  return runtime::schema_from_json(text);
}

Status toStatus(const TraceError& error) {
  return {StatusCode::kInvalidArgument, error.what()};
}

} // namespace

runtime::Result<Compilation> compileRecipe(const std::string& path, const std::vector<std::string>& overrides,
                                           const std::string& schemaPath, const CompileOptions& options) {
  recipe::Recipe recipe = recipe::parse(path, overrides);
  if (!recipe.ok()) {
    std::string messages = recipe.messages();
    while (!messages.empty() && messages.back() == '\n')
      messages.pop_back();
    return Status(StatusCode::kInvalidArgument, messages);
  }
  runtime::DataSchema schema;
  if (schemaPath.empty()) {
    std::string folder = std::filesystem::path(path).parent_path().string();
    TAILOR_ASSIGN_OR_RETURN(schema, schemaOf(recipe.options, folder), "reading the data of '" + path + "'");
  } else {
    TAILOR_ASSIGN_OR_RETURN(schema, readSchema(schemaPath), "reading the schema '" + schemaPath + "'");
  }
  try {
    recipe::Program program(recipe, schema);
    return compile(program.training(), options, path, recipe.text);
  } catch (const TraceError& error) {
    return toStatus(error);
  }
}

void registerFrontendServices() {
  register_evaluator(evaluateArrays);
  data::register_schema_reader([](const runtime::Options& options, const Location& location) {
    auto schema = schemaOf(options, "");
    if (!schema.ok()) throw TraceError("data", schema.status().message(), location, schema.status().hint());
    return *schema;
  });
}

} // namespace tailor::backend
