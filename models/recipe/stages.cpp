#include "models/recipe/stages.h"

#include "runtime/base/wording.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/key_table.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/stage_keys.h"
#include "runtime/options/words.h"

#include <algorithm>

namespace tailor::recipe {

using runtime::key_name;
using runtime::KeySpec;

const std::string& weights_section() {
  static const std::string section = [] {
    const std::string& file = key_name(&runtime::ModelKeys::weights_file);
    return file.substr(0, file.rfind('.'));
  }();
  return section;
}

namespace {

void check_own_keys(Recipe& recipe, const RecipeStage& stage) {
  for (const auto& [key, place] : stage.places)
    if (const KeySpec* spec = runtime::find_key(key);
        spec && !runtime::may_be_of_stage(spec->key, spec->stage))
      recipe.errors.push_back({place,
                               "'" + key + "' is the same in all stages, '" + stage.name + "' cannot set it",
                               {},
                               "set it in its section, above the first [[stage]]"});
}

/// A key of the command line, of the file with the stages or of one above it, that every stage has of its own.
void check_overridden(Recipe& recipe) {
  const auto layer = [&](const Place& place) {
    return std::find(recipe.files.begin(), recipe.files.end(), place.file) - recipe.files.begin();
  };
  for (const auto& [key, place] : recipe.places) {
    if (key.ends_with(']')) continue; // an element of a list: the list is complained of
    if (place.in_file() && layer(place) > layer(recipe.stages.front().place)) continue;
    std::vector<std::string> names;
    for (const RecipeStage& stage : recipe.stages)
      if (stage.places.contains(key)) names.push_back("stage." + stage.name + "." + key);
    if (names.size() == recipe.stages.size())
      recipe.error(key, "'" + key + "' has no effect: every stage has one of its own",
                   runtime::listed(names, " or "));
  }
}

/// The weights that a stage begins with are those of one before it, and its clock and slots belong to them.
void check_weights(Recipe& recipe, std::size_t i) {
  const RecipeStage& stage = recipe.stages[i];
  if (stage.weights.empty()) return;
  const auto complain = [&](std::string message, std::string hint) -> Diagnostic& {
    recipe.errors.push_back({stage.weights_place, std::move(message), {}, std::move(hint)});
    return recipe.errors.back();
  };
  std::vector<std::string> before;
  for (std::size_t k = 0; k < i; ++k)
    before.push_back("\"stage:" + recipe.stages[k].name + "\"");
  if (!index_of_stage(recipe, stage.weights, i)) {
    complain("'" + stage.weights + "' is no stage before '" + stage.name + "'",
             before.empty() ? "it is the first: model.weights.file = \"FILE\""
                            : "there are " + runtime::listed(before));
    return;
  }
  if (!stage.continues) return;
  complain("'" + stage.name + "' begins with the weights of '" + stage.weights +
               "' and continues the stage before, whose clock and slots are not theirs",
           "keep one of them")
      .notes.push_back({stage.continues_place, "it continues here"});
}

/// The first stage initialises everything; a later one that continues has slots of what it trained.
void check_initialised(Recipe& recipe) {
  const std::string& key = key_name(&runtime::ModelKeys::initialise);
  for (const RecipeStage& stage : recipe.stages)
    if (const auto place = stage.places.find(key); place != stage.places.end()) {
      if (&stage == &recipe.stages.front())
        recipe.errors.push_back(
            {place->second, "'" + key + "' has no effect: the first stage initialises everything", {}, {}});
      else if (stage.continues)
        recipe.errors.push_back({place->second,
                                 "'" + stage.name +
                                     "' initialises parameters and continues the stage before, whose "
                                     "slots are not theirs",
                                 {{stage.continues_place, "it continues here"}},
                                 "keep one of them"});
    }
}

} // namespace

std::optional<std::size_t> index_of_stage(const Recipe& recipe, std::string_view name, std::size_t end) {
  for (std::size_t i = 0; i < std::min(end, recipe.stages.size()); ++i)
    if (recipe.stages[i].name == name) return i;
  return std::nullopt;
}

void check_stage_list(Recipe& recipe) {
  if (const RecipeStage& first = recipe.stages.front(); first.continues)
    recipe.errors.push_back(
        {first.continues_place, "the first stage has none before it to continue", {}, {}});
  for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
    check_own_keys(recipe, recipe.stages[i]);
    check_weights(recipe, i);
  }
  check_initialised(recipe);
  check_overridden(recipe);
}

void add_found(Recipe& recipe, const std::vector<std::vector<Diagnostic>>& found) {
  const auto has = [](const std::vector<Diagnostic>& all, const Diagnostic& one) {
    return std::any_of(all.begin(), all.end(), [&](const Diagnostic& other) {
      if (!one.no_effect.empty()) return other.no_effect == one.no_effect && other.place == one.place;
      return other.place == one.place && other.message == one.message;
    });
  };
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const Diagnostic& one : found[i]) {
      const bool own = recipe.stages[i].places.contains(one.no_effect);
      const bool wrong =
          one.no_effect.empty() || own ||
          std::all_of(found.begin(), found.end(), [&](const auto& other) { return has(other, one); });
      if (wrong && !has(recipe.errors, one)) recipe.errors.push_back(one);
    }
}

std::optional<OwnKey> own_key_of_stages(const Recipe& recipe, std::string_view key) {
  for (const RecipeStage& stage : recipe.stages)
    if (const auto place = stage.places.find(key); place != stage.places.end())
      return OwnKey{stage.name, place->second};
  return std::nullopt;
}

} // namespace tailor::recipe
