#pragma once
// The methods a recipe lists, and whether they go together.

#include "frontend/components/loss.h"
#include "frontend/components/method.h"
#include "frontend/components/optimizer.h"
#include "models/recipe/parse.h"

#include <vector>

namespace tailor::recipe {

/// Those of method.use, in the order in which their hooks run: by part, then by name. A name that is registered for
/// nothing is left out: reading the recipe has complained of it.
std::vector<const MethodSpec*> used_methods(const Options& options);

/// One of them keeps an average of the weights.
bool averages(const Options& options);

/// The spec of method.loss; nullptr if nothing of that name is registered.
const LossSpec* used_loss(const Options& options);

/// The spec of optimizer.name; nullptr if nothing of that name is registered.
const OptimizerSpec* used_optimizer(const Options& options);

/// Complaints: an empty list, a method twice, two that give the same part or name each other as a conflict, keys of a
/// method that is not used, a loss that does not honour what a method makes of it, and the own checks of
/// the methods and the optimizer.
void check_methods(Recipe& recipe);

/// The methods' own checks against the data.
void check_methods(Recipe& recipe, const runtime::DataSchema& schema);

} // namespace tailor::recipe
