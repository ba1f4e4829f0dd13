#pragma once

#include "frontend/components/keys.h"
#include "frontend/components/recipe_check.h"
#include "frontend/optimizers/optimizer.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tailor {

/// An optimizer that recipes may name in optimizer.name: one file in models/optimizers, or in a user's program.
struct OptimizerSpec {
  static constexpr std::string_view kKind = "optimizer";

  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<runtime::KeySpec> keys = {}; ///< "optimizer.*"
  std::function<void(RecipeCheck&)> check = {};
  std::function<std::unique_ptr<optim::Optimizer>(const runtime::Options&)> make = {};
};

} // namespace tailor
