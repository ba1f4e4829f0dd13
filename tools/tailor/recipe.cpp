#include "tools/tailor/recipe.h"

#include <iostream>

#include "frontend/recipe/parse.h"
#include "frontend/recipe/schema.h"

namespace tailor::tools {

int run_recipe(const RecipeOptions& options) {
  if (options.describe) {
    std::cout << recipe::describe();
    return 0;
  }
  recipe::Recipe recipe = recipe::parse(options.path, options.overrides);
  if (!recipe.ok()) {
    std::cerr << recipe.messages();
    return 1;
  }
  for (const recipe::KeySpec& spec : recipe::keys()) {
    const recipe::Option& option = *recipe.options.find(spec.key);
    std::cout << spec.key << " = " << (option.value.is_null() ? "(unset)" : option.value.to_json()) << "   # "
              << option.origin << "\n";
  }
  return 0;
}

} // namespace tailor::tools
