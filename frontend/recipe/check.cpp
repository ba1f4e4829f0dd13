#include "frontend/recipe/check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "frontend/recipe/contradict.h"
#include "frontend/recipe/registry.h"
#include "frontend/recipe/schema.h"
#include "runtime/base/defaults.h"
#include "runtime/base/option_condition.h"
#include "runtime/metrics/class_groups.h"
#include "runtime/metrics/metric_table.h"

namespace tailor::recipe {
namespace {

std::string element(std::string_view key, size_t index) {
  return std::string(key) + "[" + std::to_string(index) + "]";
}

std::vector<std::string> strings_of(const Recipe& recipe, std::string_view key) {
  runtime::Result<std::vector<std::string>> listed = recipe.options.get_strings(key);
  return listed.ok() ? *listed : std::vector<std::string>();
}

// --- keys that have no effect ---

std::string joined(const std::vector<std::string>& words, const std::string& quote = "") {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : " or ") + quote + word + quote;
  return out;
}

void check_effects(Recipe& recipe) {
  for (const KeySpec& spec : keys()) {
    const std::string key(spec.key);
    if (!recipe.is_set(key)) continue;
    const std::optional<runtime::OptionCondition> needed = runtime::unmet_condition(recipe.options, key);
    if (!needed) continue;
    const std::string& other = needed->keys.front();
    if (recipe.is_below(key, other)) continue;
    if (needed->values.empty()) {
      recipe.error(key, "'" + key + "' has no effect without " + joined(needed->keys),
                   "set " + joined(needed->keys) + ", or remove it");
      continue;
    }
    const Option* chosen = recipe.options.find(other);
    const std::string value = chosen->value.is_null() ? "unset" : "= " + chosen->value.to_json();
    contradict(recipe, key, "'" + key + "' has no effect with " + other + " " + value, other,
               other + " is set here", "remove it, or set " + other + " = " + joined(needed->values, "\""));
  }
}

// --- methods ---

struct Contradiction {
  const char *first, *second, *hint;
};
constexpr Contradiction kContradictions[] = {
    {"sam", "sam-a", "keep one of them; 'sam-a' is the class-aware form of 'sam'"},
    {"logit-adjustment", "balanced-softmax",
     "keep one of them; 'balanced-softmax' is 'logit-adjustment' with tau = 1"},
};

// Elements `i` and `k` of method.use in the order of the list.
void contradict_elements(Recipe& recipe, size_t i, size_t k, std::string message, std::string note,
                         std::string hint) {
  contradict(recipe, element("method.use", std::max(i, k)), std::move(message),
             element("method.use", std::min(i, k)), std::move(note), std::move(hint));
}

void check_method_list(Recipe& recipe, const std::vector<std::string>& use) {
  if (use.empty()) recipe.error("method.use", "method.use is empty", "use = [\"erm\"] is the plain method");
  std::map<std::string, size_t> firsts;
  const auto index_of = [&](const std::string& method) {
    const auto found = firsts.find(method);
    return found == firsts.end() ? use.size() : found->second;
  };
  for (size_t i = 0; i < use.size(); ++i)
    if (const auto [first, added] = firsts.emplace(use[i], i); !added)
      contradict_elements(recipe, first->second, i, "method.use names '" + use[i] + "' twice",
                          "the first time is here", {});
  if (const size_t erm = index_of("erm"); erm < use.size())
    for (size_t i = 0; i < use.size(); ++i)
      if (use[i] != "erm") {
        contradict_elements(recipe, i, erm, "'erm' is the plain method and cannot be combined",
                            "the other method is here", "remove 'erm': every other method builds on it");
        break;
      }
  for (const auto& [first, second, hint] : kContradictions)
    if (const size_t i = index_of(first), k = index_of(second); i < use.size() && k < use.size())
      contradict_elements(recipe, i, k,
                          "'" + use[std::min(i, k)] + "' and '" + use[std::max(i, k)] +
                              "' contradict each other",
                          "the other one is here", hint);
  // A registered method makes the step's gradients, and only one can.
  const std::vector<std::string> registered = registered_names("method.use");
  std::optional<size_t> maker;
  for (size_t i = 0; i < use.size(); ++i) {
    const bool own = std::find(registered.begin(), registered.end(), use[i]) != registered.end();
    if (!own && use[i] != "sam" && use[i] != "sam-a") continue;
    if (maker && (own || std::find(registered.begin(), registered.end(), use[*maker]) != registered.end()))
      contradict_elements(recipe, *maker, i,
                          "'" + use[*maker] + "' and '" + use[i] + "' both make the gradients of a step",
                          "the other one is here", "keep one of them");
    maker = maker ? maker : i;
  }
}

void check_methods(Recipe& recipe) {
  const std::vector<std::string> use = strings_of(recipe, "method.use");
  const std::set<std::string> used(use.begin(), use.end());
  check_method_list(recipe, use);
  for (const std::string& method : method_names()) {
    if (used.contains(method)) continue;
    const std::string table = "method." + method + ".";
    for (const auto& [key, place] : recipe.places)
      if (key.starts_with(table) && !recipe.is_below(key, "method.use")) {
        contradict(recipe, key, "'" + key + "' is set, but method '" + method + "' is not used", "method.use",
                   "the methods are listed here", "add \"" + method + "\" to method.use or remove the key");
        break;
      }
  }
  if (text_of(recipe, "eval.weights") == "ema" && !used.contains("ema"))
    contradict(recipe, "eval.weights", "eval.weights = \"ema\", but no weight average is kept", "method.use",
               "the methods are listed here", "add \"ema\" to method.use");
  if (text_of(recipe, "model.output") == "sigmoid")
    for (size_t i = 0; i < use.size(); ++i)
      if (use[i] == "logit-adjustment" || use[i] == "balanced-softmax")
        contradict(recipe, element("method.use", i),
                   "'" + use[i] + "' adds a bias to K logits, but model.output = \"sigmoid\" has one",
                   "model.output", "the output is set here", "model.output = \"softmax\"");
  const double eps = number_of(recipe, "method.smoothing.eps"),
               eps_max = number_of(recipe, "method.smoothing.eps_max");
  if (used.contains("smoothing") && text_of(recipe, "method.smoothing.profile") == "uniform" && eps > eps_max)
    contradict(
        recipe, "method.smoothing.eps",
        "uniform smoothing of eps = " + number_text(eps) + " is above eps_max = " + number_text(eps_max),
        "method.smoothing.eps_max", "the limit is set here", "eps_max = " + number_text(eps) + " allows it");
}

void check_optimizer(Recipe& recipe) {
  if (text_of(recipe, "optimizer.name") == "sgd" && text_of(recipe, "optimizer.nesterov") == "true" &&
      number_of(recipe, "optimizer.momentum") == 0)
    contradict(recipe, "optimizer.nesterov",
               "nesterov = true looks ahead along the momentum, but momentum = 0", "optimizer.momentum",
               "the momentum is set here", "momentum = 0.9 is the usual one");
}

// --- data ---

void check_long_tail(Recipe& recipe) {
  for (const char* section : {"data.long_tail", "data.test"}) {
    std::string key = std::string(section) + ".r";
    double r = number_of(recipe, key);
    if (r > 1 && text_of(recipe, "data.long_tail.reversed") != "true")
      recipe.error(key, key + " = " + number_text(r) + ": the imbalance ratio is n_min / n_max, at most 1",
                   "did you mean 1/" + number_text(r) + " = " + number_text(1 / r) +
                       "? (reversed = true makes the last class the largest)");
  }
  auto needs = [&](std::string_view size, std::string_view key) {
    if (text_of(recipe, "data.long_tail.size") == size && text_of(recipe, key).empty())
      recipe.error("data.long_tail.size", "size = \"" + std::string(size) + "\" needs " + std::string(key));
  };
  needs("fixed_total", "data.long_tail.total");
  needs("fixed_minority", "data.long_tail.minority");
}

void check_split(Recipe& recipe) {
  const std::string by = text_of(recipe, "data.split.by");
  const bool own_val = !text_of(recipe, "data.val").empty(),
             own_test = !text_of(recipe, "data.test.file").empty();
  if (by == "files") {
    if (!own_val || !own_test)
      recipe.error("data.split.by", "split by files needs data.val and data.test",
                   "[data] val = \"FILE\", test = \"FILE\"");
    return;
  }
  for (const char* kind : {"group", "time"})
    if (by == kind && text_of(recipe, "data.split.column").empty() &&
        text_of(recipe, std::string("data.columns.") + kind).empty())
      recipe.error("data.split.by", std::string("split by ") + kind + " needs the column",
                   std::string("[data] columns = { ") + kind + " = \"NAME\" }");
  // A file of its own makes the share of that split meaningless.
  const double val = own_val                           ? 0
                     : recipe.is_set("data.split.val") ? number_of(recipe, "data.split.val")
                     : own_test                        ? runtime::defaults::kValShareBesideTestFile
                                                       : runtime::defaults::kValShare,
               test = own_test ? 0 : number_of(recipe, "data.split.test");
  if (val + test < 1) return;
  const bool at_val = recipe.is_set("data.split.val");
  contradict(recipe, at_val ? "data.split.val" : "data.split.test",
             "val = " + number_text(val) + " and test = " + number_text(test) + " leave no rows to train on",
             at_val ? "data.split.test" : "data.split.val", "the other share", {});
}

void check_data(Recipe& recipe) {
  const std::string format = text_of(recipe, "data.format");
  if (format == "csv") {
    if (!recipe.is_set("data.train"))
      recipe.error(recipe.is_set("data.format") ? "data.format" : "data.train", "data.train names no table",
                   "[data] train = \"FILE.csv\", or format = \"two_moons\" for a generated set");
    check_split(recipe);
  }
  if (format == "two_moons")
    for (const char* key : {"data.classes", "data.dimensions"})
      if (recipe.is_set(key) && number_of(recipe, key) != 2 && !recipe.is_below(key, "data.format"))
        contradict(recipe, key, "two_moons has 2 classes in 2 dimensions", "data.format",
                   "the format is set here", "format = \"blobs\" takes any number");
}

// --- the run ---

void check_schedule(Recipe& recipe) {
  const double epochs = number_of(recipe, "run.epochs"), warmup = number_of(recipe, "schedule.warmup_epochs");
  const std::string name = text_of(recipe, "schedule.name");
  // A run that a file above or the command line made shorter is only said (runtime/train/schedule).
  if (name == "warmup_cosine" && warmup > 0 && warmup >= epochs && number_of(recipe, "run.steps") == 0 &&
      !recipe.is_below("schedule.warmup_epochs", "run.epochs"))
    contradict(
        recipe, "schedule.warmup_epochs",
        "a warm-up of " + number_text(warmup) + " epochs in a run of " + number_text(epochs) +
            " never reaches optimizer.lr",
        "run.epochs", "the run's length is set here",
        "without warmup_epochs (on the command line: schedule.warmup_epochs=none) it is 5, or half the run "
        "where that is less");
  const Option* milestones = recipe.options.find("schedule.milestones");
  const OptionValue::List& list = *milestones->value.as_list();
  if (name == "step" && list.empty())
    contradict(recipe, "schedule.name", "schedule \"step\" without milestones keeps the rate constant",
               "schedule.milestones", "the milestones are set here",
               "milestones = [160, 180] multiplies the rate by schedule.factor at these epochs");
  for (size_t i = 1; i < list.size(); ++i)
    if (*list[i].as_int() <= *list[i - 1].as_int())
      contradict(recipe, element("schedule.milestones", i),
                 "milestone " + list[i].to_json() + " does not come after " + list[i - 1].to_json(),
                 element("schedule.milestones", i - 1), "the one before it",
                 "milestones are ascending epochs");
}

constexpr std::string_view kValidation = "val/", kClass = "class_accuracy/";

// Names that `watched` may have: those of the table, as "val/NAME".
void unknown_metric(Recipe& recipe, std::string_view key, const std::string& watched) {
  const auto metric = runtime::parse_metric(watched.substr(kValidation.size()));
  std::vector<std::string> known;
  for (const runtime::MetricSpec& spec : runtime::kMetrics)
    known.emplace_back(spec.name);
  const std::string near = nearest(watched.substr(kValidation.size()), known);
  const std::string hint = metric.status().hint();
  recipe.error(key, "'" + watched + "': " + metric.status().message(),
               !near.empty()  ? "did you mean 'val/" + near + "'?"
               : hint.empty() ? hint
                              : hint + ", class_accuracy/NAME");
}

void check_watched(Recipe& recipe) {
  for (const char* key : {"run.early_stop.on", "run.keep.best"}) {
    const std::string watched = text_of(recipe, key);
    if (watched.empty()) continue;
    if (watched.starts_with("test/"))
      recipe.error(key, "'" + watched + "' selects on the test split",
                   "did you mean 'val/" + watched.substr(5) + "'?");
    else if (!watched.starts_with(kValidation))
      recipe.error(key, "'" + watched + "' is not a validation metric",
                   "val/balanced_accuracy, val/loss, ...");
    else if (const std::string metric = watched.substr(kValidation.size());
             !metric.starts_with(kClass) && !runtime::parse_metric(metric).ok())
      unknown_metric(recipe, key, watched);
    else if (text_of(recipe, "data.format") == "csv" && text_of(recipe, "data.val").empty() &&
             recipe.is_set("data.split.val") && number_of(recipe, "data.split.val") == 0)
      contradict(recipe, key, "'" + watched + "' is to be watched, but there is no validation split",
                 "data.split.val", "its share is set here",
                 "data.split.val = " + number_text(runtime::defaults::kValShare) +
                     ", or data.val = \"FILE\"");
  }
}

void check_run(Recipe& recipe) {
  const Option* batch = recipe.options.find("run.batch");
  if (const OptionValue::List* sizes = batch ? batch->value.as_list() : nullptr) {
    std::map<int64_t, size_t> firsts;
    for (size_t i = 0; i < sizes->size(); ++i)
      if (const auto [first, added] = firsts.emplace(*(*sizes)[i].as_int(), i); !added)
        contradict(recipe, element("run.batch", i), "run.batch names " + (*sizes)[i].to_json() + " twice",
                   element("run.batch", first->second), "the first time is here", {});
    if (sizes->empty()) recipe.error("run.batch", "run.batch is empty");
  }
  const std::vector<std::string> shown = strings_of(recipe, "eval.metrics");
  for (size_t i = 0; i < shown.size(); ++i)
    if (const auto metric = runtime::parse_metric(shown[i]);
        !metric.ok() && !runtime::is_metric_family(shown[i]))
      recipe.error(element("eval.metrics", i), metric.status().message(), metric.status().hint());
  if (const auto rule = runtime::parse_group_rule(text_of(recipe, "eval.groups")); !rule.ok())
    recipe.error("eval.groups", rule.status().message(), rule.status().hint());
}

// The key that decides what the classes are.
std::string_view class_key(const Recipe& recipe) {
  if (text_of(recipe, "data.format") != "csv") return "data.classes";
  for (const char* key : {"data.label.classes", "data.label.column"})
    if (recipe.is_set(key)) return key;
  return "data.train";
}

} // namespace

void check(Recipe& recipe) {
  check_methods(recipe);
  check_optimizer(recipe);
  check_long_tail(recipe);
  check_data(recipe);
  check_schedule(recipe);
  check_watched(recipe);
  check_run(recipe);
  check_effects(recipe);
}

void check_schema(Recipe& recipe, const runtime::DataSchema& schema) {
  const std::string classes = std::to_string(schema.num_classes);
  const auto needs_two_classes = [&](const std::string& name) {
    const auto metric = runtime::parse_metric(name);
    return metric.ok() && metric->spec->two_classes && schema.num_classes != 2;
  };
  const auto two_classes_only = [&](std::string_view key, const std::string& metric) {
    contradict(recipe, key, "'" + metric + "' is for two classes, the data have " + classes,
               class_key(recipe), "they come from here", "balanced_accuracy counts all classes the same");
  };
  for (const char* key : {"run.early_stop.on", "run.keep.best"}) {
    const std::string watched = text_of(recipe, key);
    const std::string metric = watched.substr(std::min(watched.size(), kValidation.size()));
    if (metric.starts_with(kClass)) {
      const std::string name = metric.substr(kClass.size());
      if (std::find(schema.class_names.begin(), schema.class_names.end(), name) == schema.class_names.end()) {
        const std::string near = nearest(name, schema.class_names);
        recipe.error(key, "'" + watched + "': the data have no class '" + name + "'",
                     near.empty() ? std::string() : "did you mean '" + near + "'?");
      }
    } else if (needs_two_classes(metric)) {
      two_classes_only(key, watched);
    }
  }
  const std::vector<std::string> shown = strings_of(recipe, "eval.metrics");
  for (size_t i = 0; i < shown.size(); ++i)
    if (needs_two_classes(shown[i])) two_classes_only(element("eval.metrics", i), shown[i]);
  if (const auto rule = runtime::parse_group_rule(text_of(recipe, "eval.groups"));
      rule.ok() && rule->kind == runtime::GroupRule::Kind::kHeadMedTail && rule->b > schema.num_classes)
    contradict(recipe, "eval.groups",
               "groups " + to_string(*rule) + " reach beyond the " + classes + " classes", class_key(recipe),
               "they come from here", {});
  const bool is_set = recipe.is_set("data.long_tail.step_at");
  const double step_at = is_set ? number_of(recipe, "data.long_tail.step_at") : 5;
  for (const char* profile : {"data.long_tail.profile", "data.test.profile"})
    if (text_of(recipe, profile) == "step_at" && step_at >= schema.num_classes) {
      contradict(recipe, is_set ? "data.long_tail.step_at" : profile,
                 "step_at = " + number_text(step_at) + " leaves none of the " + classes + " classes rare",
                 class_key(recipe), "they come from here",
                 "step_at is the first rare class, below " + classes);
      break;
    }
}

} // namespace tailor::recipe
