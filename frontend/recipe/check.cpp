#include "frontend/recipe/check.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "frontend/recipe/schema.h"

namespace tailor::recipe {
namespace {

using runtime::Result;

std::string text_of(const Recipe& recipe, std::string_view key) {
  const Option* option = recipe.options.find(key);
  const std::string* text = option ? option->value.as_string() : nullptr;
  return text ? *text : std::string();
}

double number_of(const Recipe& recipe, std::string_view key) {
  const Option* option = recipe.options.find(key);
  return option ? option->value.as_number().value_or(0) : 0;
}

std::string shown(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// A contradiction between two keys: the complaint stands at `key`, `other` is shown as a note.
void contradict(Recipe& recipe, std::string_view key, std::string message, std::string_view other,
                std::string note, std::string hint) {
  recipe.error(key, std::move(message), std::move(hint));
  recipe.errors.back().notes.push_back({recipe.place(other), std::move(note)});
}

void check_methods(Recipe& recipe) {
  Result<std::vector<std::string>> listed = recipe.options.get_strings("method.use");
  if (!listed.ok()) return;
  const std::vector<std::string>& use = *listed;
  std::set<std::string> used(use.begin(), use.end());
  if (use.empty()) recipe.error("method.use", "method.use is empty", "use = [\"erm\"] is the plain method");
  if (used.size() != use.size()) recipe.error("method.use", "method.use names a method twice");
  if (used.contains("erm") && used.size() > 1)
    recipe.error("method.use", "'erm' is the plain method and cannot be combined",
                 "remove 'erm': every other method builds on it");
  constexpr std::pair<const char*, const char*> kExclusive[] = {{"sam", "sam-a"},
                                                                {"logit-adjustment", "balanced-softmax"}};
  for (auto [first, second] : kExclusive)
    if (used.contains(first) && used.contains(second))
      recipe.error("method.use", std::string("'") + first + "' and '" + second + "' contradict each other",
                   std::string("keep one of them; '") + second + "' is the class-aware form of '" + first +
                       "'");
  for (const std::string& method : method_names()) {
    if (used.contains(method)) continue;
    for (const auto& [key, place] : recipe.places)
      if (key.starts_with("method." + method + ".") && place.file == recipe.place("method.use").file) {
        contradict(recipe, key, "'" + key + "' is set, but method '" + method + "' is not used", "method.use",
                   "the methods are listed here", "add \"" + method + "\" to method.use or remove the key");
        break;
      }
  }
  if (text_of(recipe, "eval.weights") == "ema" && !used.contains("ema"))
    contradict(recipe, "eval.weights", "eval.weights = \"ema\", but no weight average is kept", "method.use",
               "the methods are listed here", "add \"ema\" to method.use");
}

void check_long_tail(Recipe& recipe) {
  const Option* profile = recipe.options.find("data.long_tail.profile");
  bool has_profile = profile && !profile->value.is_null();
  if (recipe.is_set("data.long_tail.r") && !has_profile)
    recipe.error("data.long_tail.r", "an imbalance ratio without a count profile",
                 "add profile = \"exp\" to data.long_tail");
  for (const char* section : {"data.long_tail", "data.test"}) {
    std::string key = std::string(section) + ".r";
    double r = number_of(recipe, key);
    const Option* reversed = recipe.options.find("data.long_tail.reversed");
    if (r > 1 && !(reversed && reversed->value.as_bool() && *reversed->value.as_bool()))
      recipe.error(key, key + " = " + shown(r) + ": the imbalance ratio is n_min / n_max, at most 1",
                   "did you mean 1/" + shown(r) + " = " + shown(1 / r) +
                       "? (reversed = true makes the last class the largest)");
  }
  auto needs = [&](std::string_view size, std::string_view key) {
    const Option* option = recipe.options.find(key);
    if (text_of(recipe, "data.long_tail.size") == size && option && option->value.is_null())
      recipe.error("data.long_tail.size", "size = \"" + std::string(size) + "\" needs " + std::string(key));
  };
  needs("fixed_total", "data.long_tail.total");
  needs("fixed_minority", "data.long_tail.minority");
}

void check_data(Recipe& recipe) {
  std::string format = text_of(recipe, "data.format");
  bool generated = format != "csv";
  if (!generated && !recipe.is_set("data.train"))
    recipe.error("data.format", "data.train names no table",
                 "[data] train = \"FILE.csv\", or format = \"two_moons\" for a generated set");
  if (generated)
    for (const auto& [key, place] : recipe.places)
      if (key == "data.train" || key == "data.val" || key == "data.test.file" ||
          key.starts_with("data.columns.") || key.starts_with("data.label."))
        contradict(recipe, key, "'" + key + "' has no meaning for the generated set '" + format + "'",
                   "data.format", "the format is set here", "remove it, or set format = \"csv\"");
  if (format == "two_moons") {
    for (const char* key : {"data.classes", "data.dimensions"})
      if (recipe.is_set(key) && number_of(recipe, key) != 2)
        contradict(recipe, key, "two_moons has 2 classes in 2 dimensions", "data.format",
                   "the format is set here", "format = \"blobs\" takes any number");
  }
  constexpr double kDefaultVal = 0.16;
  double val = recipe.is_set("data.split.val") ? number_of(recipe, "data.split.val") : kDefaultVal,
         test = number_of(recipe, "data.split.test");
  if (val + test >= 1)
    contradict(recipe, recipe.is_set("data.split.val") ? "data.split.val" : "data.split.test",
               "val = " + shown(val) + " and test = " + shown(test) + " leave no rows to train on",
               recipe.is_set("data.split.test") ? "data.split.test" : "data.split.val", "the other share",
               {});
  std::string by = text_of(recipe, "data.split.by");
  if (by == "files" && (!recipe.is_set("data.val") || !recipe.is_set("data.test.file")))
    recipe.error("data.split.by", "split by files needs data.val and data.test",
                 "[data] val = \"FILE\", test = \"FILE\"");
  for (const char* kind : {"group", "time"})
    if (by == kind && !recipe.is_set("data.split.column") &&
        !recipe.is_set(std::string("data.columns.") + kind))
      recipe.error("data.split.by", std::string("split by ") + kind + " needs the column",
                   std::string("[data] columns = { ") + kind + " = \"NAME\" }");
}

void check_run(Recipe& recipe) {
  double epochs = number_of(recipe, "run.epochs"), warmup = number_of(recipe, "schedule.warmup_epochs");
  if (text_of(recipe, "schedule.name") == "warmup_cosine" && recipe.is_set("schedule.warmup_epochs") &&
      warmup >= epochs)
    contradict(recipe, "schedule.warmup_epochs",
               "a warm-up of " + shown(warmup) + " epochs in a run of " + shown(epochs), "run.epochs",
               "the run's length is set here", {});
  const std::vector<std::string> metrics = split_choices(find_key("eval.metrics")->choices);
  for (const char* key : {"run.early_stop.on", "run.keep.best"}) {
    std::string watched = text_of(recipe, key);
    if (watched.empty()) continue;
    if (watched.starts_with("test/"))
      recipe.error(key, "'" + watched + "' selects on the test split",
                   "did you mean 'val/" + watched.substr(5) + "'?");
    else if (!watched.starts_with("val/"))
      recipe.error(key, "'" + watched + "' is not a validation metric",
                   "val/balanced_accuracy, val/loss, ...");
    else if (std::string metric = watched.substr(4);
             std::find(metrics.begin(), metrics.end(), metric) == metrics.end()) {
      std::string near = nearest(metric, metrics);
      recipe.error(key, "unknown metric '" + watched + "'",
                   near.empty() ? std::string() : "did you mean 'val/" + near + "'?");
    }
  }
  const Option* batch = recipe.options.find("run.batch");
  if (const OptionValue::List* sizes = batch ? batch->value.as_list() : nullptr) {
    std::set<int64_t> seen;
    for (const OptionValue& size : *sizes)
      if (size.as_int() && !seen.insert(*size.as_int()).second)
        recipe.error("run.batch", "run.batch names " + std::to_string(*size.as_int()) + " twice");
    if (sizes->empty()) recipe.error("run.batch", "run.batch is empty");
  }
}

} // namespace

void check(Recipe& recipe) {
  check_methods(recipe);
  check_long_tail(recipe);
  check_data(recipe);
  check_run(recipe);
}

} // namespace tailor::recipe
