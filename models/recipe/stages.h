#pragma once
// What the [[stage]]s of a recipe may say, and what several of them make of the sections above them.

#include "models/recipe/parse.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::recipe {

/// [model.weights] are those of a file; as a plain value, "stage:NAME", they are an earlier stage's.
const std::string& weights_section();

/// What stages say of each other: a first one that goes on from nothing, weights of a stage that is not there or comes
/// later. What they set that all of them share. Keys that every stage has of its own: set for all, they change nothing.
void check_stage_list(Recipe& recipe);

/// The first stage called `name` of those before `end`.
std::optional<std::size_t> index_of_stage(const Recipe& recipe, std::string_view name, std::size_t end);

/// Adds what the checks of every stage found to the recipe's errors. What the sections say wrong is wrong in each of
/// them, and said once; what does nothing in one stage may be what another reads, unless that stage has set it for
/// itself.
void add_found(Recipe& recipe, const std::vector<std::vector<Diagnostic>>& found);

/// Where a stage sets `key` for itself; nowhere if none does.
struct OwnKey {
  std::string stage;
  Place place;
};
std::optional<OwnKey> own_key_of_stages(const Recipe& recipe, std::string_view key);

} // namespace tailor::recipe
