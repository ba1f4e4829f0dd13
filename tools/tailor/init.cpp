#include "tools/tailor/init.h"

#include "models/recipe/parse.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/data/open.h"
#include "runtime/data/text.h"
#include "runtime/train/run_folder.h"
#include "tools/tailor-run/run_command.h"
#include "tools/tailor/table_arguments.h"

#include <algorithm>
#include <filesystem>

namespace tailor::tools {

using namespace tailor::runtime;

namespace {

/// `path` as a recipe in the folder of `output` names it: relative where that is no detour, else absolute.
std::string as_seen_from(const std::string& output, const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error).lexically_normal();
  const std::filesystem::path recipe =
      std::filesystem::absolute(output == "-" ? "recipe.toml" : output, error);
  const std::filesystem::path near = whole.lexically_relative(recipe.parent_path().lexically_normal());
  return near.empty() || *near.begin() == ".." ? whole.string() : near.string();
}

/// "fraud.toml" for "data/fraud.csv" and "data/fraud.csv.gz".
std::string recipe_name(const std::string& table) {
  std::filesystem::path name = std::filesystem::path(table).filename();
  if (name.extension() == ".gz") name = name.stem();
  return name.stem().string() + ".toml";
}

/// A test table that was named must fit; one that merely lies beside the table is taken only if it does.
Result<std::optional<TestTable>> choose_test_table(const InitArguments& arguments,
                                                   const DataDescription& description) {
  const bool given = !arguments.test.empty();
  const std::optional<std::string> path = given ? arguments.test : find_test_table(arguments.table.path);
  if (!path) return std::optional<TestTable>();
  Result<TestTable> table = describe_test_table(*path, description);
  if (!table.ok()) {
    if (given) return std::move(table).status();
    log_info(concat("note: '", *path,
                    "' lies beside the table but is not its test table: ", table.status().message()));
    return std::optional<TestTable>();
  }
  table->reason = given ? "given with --test" : "found beside the training table, same columns and labels";
  table->path = as_seen_from(arguments.output, *path);
  return std::optional<TestTable>(std::move(*table));
}

/// The recipe is read back and its data are opened as training will: what it names is there, every cell can
/// be read, no class is without a training row.
Status check_recipe(const std::string& text, const std::string& path) {
  const std::string name = path == "-" ? "recipe.toml" : path;
  const recipe::Recipe recipe =
      recipe::parse(name, {}, [&](const std::string&) -> Result<std::string> { return text; });
  if (!recipe.ok()) return internal_error("the recipe does not read back:\n", recipe.messages());
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataPlan plan, read_data_plan(recipe.options, ""));
  TAILOR_ASSIGN_OR_RETURN(const DataSchema schema, schema_of(plan), "no recipe was written");
  TAILOR_RETURN_IF_ERROR(open_data(plan, schema).status(), "no recipe was written");
  return {};
}

} // namespace

int run_init(const InitArguments& given) {
  InitArguments arguments = given;
  if (arguments.output.empty()) arguments.output = recipe_name(arguments.table.path);
  const bool to_stdout = arguments.output == "-";
  const Result<DataDescription> description = describe(arguments.table);
  if (!description.ok()) return report(description.status());
  if (const Status status = check_trainable(*description); !status.ok()) return report(status);
  const Result<std::optional<TestTable>> test = choose_test_table(arguments, *description);
  if (!test.ok()) return report(test.status());
  if (!description->format.ambiguity.empty()) log_info("note: " + description->format.ambiguity);
  const std::string test_table =
      arguments.test.empty() ? find_test_table(arguments.table.path).value_or("") : arguments.test;
  const InputFile inputs[] = {{"table", arguments.table.path}, {"test table", test_table}};
  if (!to_stdout)
    if (const Status status = check_output(arguments.output, inputs); !status.ok()) return report(status);
  const std::string recipe =
      suggest_recipe(*description, as_seen_from(arguments.output, arguments.table.path), *test);
  if (!is_utf8(recipe)) // cells are
    return report(invalid_argument("the path of '", arguments.table.path,
                                   "' is not UTF-8, and a recipe could not name it")
                      .with_hint("rename the file, or the folder it is in"));
  if (!to_stdout && !arguments.overwrite && file_exists(arguments.output))
    if (const Result<std::string> there = read_file(arguments.output); !there.ok() || *there != recipe)
      return report(invalid_argument("'", arguments.output, "' exists and was not replaced")
                        .with_hint("-o NAME writes elsewhere, --force replaces it"));
  if (recipe.size() > recipe::kMaxRecipeBytes)
    return report(invalid_argument("the recipe of '", arguments.table.path, "' would have ", recipe.size(),
                                   " bytes, a recipe may have ", recipe::kMaxRecipeBytes)
                      .with_hint("shorter column names, or fewer columns"));
  if (const Status status = check_recipe(recipe, arguments.output); !status.ok()) return report(status);
  if (to_stdout) {
    print(recipe);
    return 0;
  }
  if (const Status status = write_file_atomic(arguments.output, recipe); !status.ok()) return report(status);
  const std::string name = shell_words({arguments.output});
  print(concat(arguments.table.path, ": ", description->profile.num_rows, " rows, ",
               description->schema.num_classes, " classes, ",
               format_ratio(imbalance_ratio(description->class_counts)), "\n",
               format_decisions(*description, *test), "wrote ", name, "\nnext: tailor compare ", name,
               "   (or at once: tailor train ", name, ")\n"));
  return 0;
}

} // namespace tailor::tools
