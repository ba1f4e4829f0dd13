#include "tools/tailor/recipe.h"

#include "models/recipe/bases.h"
#include "models/recipe/describe.h"
#include "models/recipe/parse.h"
#include "runtime/base/log.h"
#include "runtime/base/wording.h"
#include "runtime/options/component.h"
#include "runtime/options/words.h"
#include "tools/tailor-run/run_command.h"

namespace tailor::tools {

int run_recipe(const RecipeOptions& options) {
  if (options.describe && !options.described.empty()) {
    const std::string text = recipe::describe(options.described);
    if (!text.empty()) {
      runtime::print(text);
      return 0;
    }
    const std::vector<std::string> names = recipe::described_names();
    const std::string near = runtime::did_you_mean(options.described, names);
    return runtime::report(
        runtime::invalid_argument("no section, key or component is called '", options.described, "'")
            .with_hint(near.empty() ? "tailor recipe --describe shows all of them" : near));
  }
  if (options.describe) {
    runtime::print(recipe::describe());
    return 0;
  }
  if (!options.list.empty()) {
    const std::string table = recipe::component_table(options.list);
    if (!table.empty()) {
      runtime::print(table);
      return 0;
    }
    std::vector<std::string> kinds;
    for (const runtime::ComponentKind& kind : runtime::component_kinds())
      kinds.emplace_back(kind.kind);
    std::string near = runtime::did_you_mean(options.list, kinds);
    for (const std::string& kind : kinds) // augment: augmentation
      if (kind.starts_with(options.list)) near = runtime::concat("did you mean '", kind, "'?");
    return runtime::report(runtime::invalid_argument("there are no components of a kind '", options.list, "'")
                               .with_hint(near.empty() ? "one of " + runtime::listed(kinds) : near));
  }
  if (!options.base.empty()) {
    const std::optional<std::string_view> text = recipe::built_in_base(options.base);
    if (!text) {
      std::string known;
      for (const std::string& name : recipe::built_in_bases())
        known += (known.empty() ? "" : ", ") + name;
      return runtime::report(
          runtime::invalid_argument("there is no built-in base recipe '", options.base, "'")
              .with_hint("built in: " + known));
    }
    runtime::print(*text);
    return 0;
  }
  recipe::Recipe recipe = recipe::parse(options.path, options.overrides);
  if (!recipe.ok()) {
    runtime::print(recipe.messages(), stderr);
    return 1;
  }
  runtime::print(recipe::values_of(recipe));
  return 0;
}

} // namespace tailor::tools
