#include "models/recipe/methods.h"

#include "models/recipe/contradict.h"
#include "runtime/data/sampler.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/table_keys.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace tailor::recipe {
namespace {

using runtime::key_name;
using runtime::MethodKeys;
using runtime::ModelKeys;
using runtime::Registry;

std::vector<std::string> names_of(const Options& options) {
  const runtime::Result<std::vector<std::string>> names = options.get_strings(key_name(&MethodKeys::use));
  return names.ok() ? *names : std::vector<std::string>();
}

/// The methods of a recipe's list and where they stand in it.
class MethodList {
public:
  explicit MethodList(Recipe& recipe) : recipe_(recipe), names_(names_of(recipe.options)) {
    for (const std::string& name : names_)
      specs_.push_back(Registry<MethodSpec>::find(name));
  }

  void check() {
    if (names_.empty())
      recipe_.error(key_name(&MethodKeys::use), key_name(&MethodKeys::use) + " is empty",
                    "use = [\"erm\"] is the plain method");
    std::map<std::string, std::size_t> firsts; // linear in the list: what is hostile has thousands
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (const auto [first, added] = firsts.emplace(names_[i], i); !added)
        contradict(first->second, i, "method.use names '" + names_[i] + "' twice", "the first time is here",
                   {});
    std::vector<std::size_t> places;
    for (const auto& [name, place] : firsts)
      if (specs_[place]) places.push_back(place);
    std::sort(places.begin(), places.end());
    for (std::size_t a = 0; a < places.size(); ++a)
      for (std::size_t b = a + 1; b < places.size(); ++b)
        check_pair(places[a], places[b]);
    for (const std::size_t place : places) {
      check_plain(place);
      check_output(place);
      check_loss(place);
    }
  }

private:
  void check_pair(std::size_t i, std::size_t k) {
    const MethodSpec &first = *specs_[i], &second = *specs_[k];
    for (const auto& [one, other] : {std::pair(&first, &second), std::pair(&second, &first)})
      for (const MethodSpec::Conflict& conflict : one->conflicts)
        if (conflict.method == other->name)
          return contradict(i, k, "'" + first.name + "' and '" + second.name + "' contradict each other",
                            "the other one is here", conflict.hint);
    if (first.part == second.part && !text_of(first.part).empty())
      contradict(i, k,
                 "'" + first.name + "' and '" + second.name + "' both give " +
                     std::string(text_of(first.part)),
                 "the other one is here", "keep one of them");
  }

  void check_plain(std::size_t i) {
    if (specs_[i]->part != Part::nothing) return;
    for (std::size_t k = 0; k < names_.size(); ++k)
      if (names_[k] != names_[i])
        return contradict(k, i, "'" + names_[i] + "' is the plain method and cannot be combined",
                          "the other method is here",
                          "remove '" + names_[i] + "': every other method builds on it");
  }

  void check_output(std::size_t i) {
    if (!specs_[i]->needs_class_logits || recipe::text_of(recipe_, &ModelKeys::output) != "sigmoid") return;
    recipe::contradict(recipe_, element(i),
                       "'" + names_[i] + "' needs K logits, but model.output = \"sigmoid\" has one",
                       key_name(&ModelKeys::output), "the output is set here", "model.output = \"softmax\"");
  }

  /// A loss of a user's own that does not look at what a method asks for would train something else without a word.
  void check_loss(std::size_t i) {
    const LossSpec* loss = used_loss(recipe_.options);
    const Part part = specs_[i]->weighs_passes ? Part::class_weights : specs_[i]->part;
    const bool shapes = part == Part::smoothing || part == Part::bias || part == Part::margin ||
                        part == Part::focal || part == Part::class_weights || part == Part::mixing;
    if (!loss || !shapes || takes(*loss, part)) return;
    recipe::contradict(recipe_, element(i),
                       "'" + names_[i] + "' gives " + std::string(text_of(part)) + ", which loss '" +
                           loss->name + "' does not take",
                       key_name(&MethodKeys::loss), "the loss is set here",
                       "remove '" + names_[i] + "', or list the part in the loss' `takes` and honour it");
  }

  /// What stands before the loss of a row, the step puts there.
  static bool takes(const LossSpec& loss, Part part) {
    if (loss.is_of_rows()) return part == Part::class_weights || part == Part::mixing;
    return std::find(loss.takes.begin(), loss.takes.end(), part) != loss.takes.end();
  }

  static std::string element(std::size_t i) {
    return key_name(&MethodKeys::use) + "[" + std::to_string(i) + "]";
  }

  // At the later of the two, with the other as a note.
  void contradict(std::size_t i, std::size_t k, std::string message, std::string note, std::string hint) {
    recipe::contradict(recipe_, element(std::max(i, k)), std::move(message), element(std::min(i, k)),
                       std::move(note), std::move(hint));
  }

  Recipe& recipe_;
  std::vector<std::string> names_;
  std::vector<const MethodSpec*> specs_; // null: not registered, which has been said
};

class CheckOf final : public RecipeCheck {
public:
  explicit CheckOf(Recipe& recipe) : recipe_(recipe) {}
  const runtime::Options& options() const override { return recipe_.options; }
  bool is_set(std::string_view key) const override { return recipe_.is_set(key); }
  bool uses(std::string_view method) const override {
    const std::vector<std::string> names = names_of(recipe_.options);
    return std::find(names.begin(), names.end(), method) != names.end();
  }
  std::string giver_of(Part part) const override {
    for (const MethodSpec* spec : used_methods(recipe_.options))
      if (spec->part == part) return spec->name;
    return "";
  }
  std::string place_of(std::string_view method) const override {
    const std::vector<std::string> names = names_of(recipe_.options);
    const auto found = std::find(names.begin(), names.end(), method);
    return key_name(&MethodKeys::use) + "[" + std::to_string(found - names.begin()) + "]";
  }
  std::string sampler_of_rare_rows() const override {
    const std::string name = text_of(recipe_, &runtime::DataKeys::sampler);
    const runtime::SamplerSpec* spec = Registry<runtime::SamplerSpec>::find(name);
    return spec && spec->favours_rare ? name : "";
  }
  void note(std::string_view key, std::string message) override {
    const std::string place = recipe_.place(key).text();
    recipe_.notes.push_back(place.empty() ? std::move(message) : place + ": " + message);
  }
  void refuse(std::string_view key, std::string message, std::string hint) override {
    recipe_.error(key, std::move(message), std::move(hint));
  }
  void contradict(std::string_view key, std::string message, std::string_view other, std::string note,
                  std::string hint) override {
    recipe::contradict(recipe_, key, std::move(message), other, std::move(note), std::move(hint));
  }

private:
  Recipe& recipe_;
};

/// Keys of methods that are not used, one complaint a method.
void check_unused(Recipe& recipe, const std::set<std::string>& used) {
  const std::string& use = key_name(&MethodKeys::use);
  std::map<std::string, std::string> owners;
  for (const auto& [name, spec] : Registry<MethodSpec>::specs())
    for (const runtime::KeySpec& key : spec.keys)
      if (!used.contains(name)) owners.emplace(key.key, name);
  std::set<std::string> said;
  for (const auto& [key, place] : recipe.places) {
    const auto owner = owners.find(key);
    if (owner == owners.end() || recipe.is_below(key, use) || !said.insert(owner->second).second) continue;
    contradict(recipe, key, "'" + key + "' is set, but method '" + owner->second + "' is not used", use,
               "the methods are listed here", "add \"" + owner->second + "\" to method.use or remove the key")
        .no_effect = key;
  }
}

} // namespace

std::vector<const MethodSpec*> used_methods(const Options& options) {
  std::vector<const MethodSpec*> specs;
  for (const std::string& name : names_of(options))
    if (const MethodSpec* spec = Registry<MethodSpec>::find(name)) specs.push_back(spec);
  std::sort(specs.begin(), specs.end(), [](const MethodSpec* a, const MethodSpec* b) {
    return std::tie(a->part, a->name) < std::tie(b->part, b->name);
  });
  return specs;
}

bool averages(const Options& options) {
  const std::vector<const MethodSpec*> methods = used_methods(options);
  return std::any_of(methods.begin(), methods.end(),
                     [](const MethodSpec* spec) { return spec->part == Part::average; });
}

const LossSpec* used_loss(const Options& options) {
  const runtime::Result<std::string> name = options.get_string(key_name(&MethodKeys::loss));
  return name.ok() ? Registry<LossSpec>::find(*name) : nullptr;
}

const OptimizerSpec* used_optimizer(const Options& options) {
  const runtime::Result<std::string> name = options.get_string(key_name(&runtime::OptimizerKeys::name));
  return name.ok() ? Registry<OptimizerSpec>::find(*name) : nullptr;
}

void check_methods(Recipe& recipe) {
  const std::vector<std::string> names = names_of(recipe.options);
  const std::string &use = key_name(&MethodKeys::use), &weights = key_name(&runtime::EvalKeys::weights);
  MethodList(recipe).check();
  check_unused(recipe, {names.begin(), names.end()});
  if (text_of(recipe, weights) == "ema" && !averages(recipe.options))
    contradict(recipe, weights, "eval.weights = \"ema\", but no weight average is kept", use,
               "the methods are listed here", "add \"ema\" to method.use");
  const LossSpec* loss = used_loss(recipe.options);
  if (loss && !loss->takes_one_logit && text_of(recipe, &ModelKeys::output) == "sigmoid")
    contradict(recipe, key_name(&MethodKeys::loss),
               "loss '" + loss->name + "' needs K logits, but model.output = \"sigmoid\" has one",
               key_name(&ModelKeys::output), "the output is set here", "model.output = \"softmax\"");
  CheckOf check(recipe);
  for (const MethodSpec* spec : used_methods(recipe.options))
    if (spec->check) spec->check(check);
  const OptimizerSpec* optimizer = used_optimizer(recipe.options);
  if (optimizer && optimizer->check) optimizer->check(check);
}

void check_methods(Recipe& recipe, const runtime::DataSchema& schema) {
  CheckOf check(recipe);
  const LossSpec* loss = used_loss(recipe.options);
  if (const runtime::Column* weights = schema.row_weight();
      weights && loss && !loss->is_of_rows() &&
      std::find(loss->takes.begin(), loss->takes.end(), Part::row_weights) == loss->takes.end())
    contradict(recipe, key_name(&runtime::TableKeys::row_weights),
               "column '" + weights->name + "' holds row weights, which loss '" + loss->name +
                   "' does not take",
               key_name(&MethodKeys::loss), "the loss is set here",
               "leave the row weights out, or list Part::row_weights in the loss' `takes` and honour them");
  for (const MethodSpec* spec : used_methods(recipe.options))
    if (spec->check_data) spec->check_data(check, schema);
}

} // namespace tailor::recipe
