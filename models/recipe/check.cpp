#include "models/recipe/check.h"

#include "models/recipe/contradict.h"
#include "models/recipe/methods.h"
#include "models/recipe/stages.h"
#include "runtime/base/option_condition.h"
#include "runtime/base/wording.h"
#include "runtime/data/augmentation.h"
#include "runtime/data/sampler.h"
#include "runtime/metrics/class_groups.h"
#include "runtime/metrics/metric.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/generated_keys.h"
#include "runtime/options/image_keys.h"
#include "runtime/options/key_table.h"
#include "runtime/options/long_tail_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/schedule_keys.h"
#include "runtime/options/split_keys.h"
#include "runtime/options/table_keys.h"
#include "runtime/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tailor::recipe {

using runtime::DataKeys;
using runtime::EvalKeys;
using runtime::GeneratedKeys;
using runtime::ImageKeys;
using runtime::key_name;
using runtime::key_table;
using runtime::KeySpec;
using runtime::LongTailKeys;
using runtime::ModelKeys;
using runtime::number_text;
using runtime::RunKeys;
using runtime::ScheduleKeys;
using runtime::SplitKeys;
using runtime::TableKeys;
using runtime::TestTailKeys;

namespace {

std::string element(std::string_view key, std::size_t index) {
  return std::string(key) + "[" + std::to_string(index) + "]";
}

template <class S, class T> std::vector<std::string> strings_of(const Recipe& recipe, T S::*member) {
  runtime::Result<std::vector<std::string>> listed = recipe.options.get_strings(key_name(member));
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
  for (const KeySpec& spec : key_table()) {
    const std::string& key = spec.key;
    if (!recipe.is_set(key)) continue;
    const std::optional<runtime::OptionCondition> needed = runtime::unmet_condition(recipe.options, key);
    if (!needed) continue;
    const std::string& other = needed->keys.front();
    if (recipe.is_below(key, other)) continue;
    if (needed->values.empty()) {
      recipe
          .error(key, "'" + key + "' has no effect without " + joined(needed->keys),
                 "set " + joined(needed->keys) + ", or remove it")
          .no_effect = key;
      continue;
    }
    const Option* chosen = recipe.options.find(other);
    const std::string value = chosen->value.is_null() ? "unset" : "= " + chosen->value.to_json();
    contradict(recipe, key, "'" + key + "' has no effect with " + other + " " + value, other,
               other + " is set here",
               needed->values.front() == "none"
                   ? "keep one of them"
                   : "remove it, or set " + other + " = " + joined(needed->values, "\""))
        .no_effect = key;
  }
}

// --- data ---

void check_long_tail(Recipe& recipe) {
  for (const char* section : {"data.long_tail", "data.test"}) {
    std::string key = std::string(section) + ".r";
    double r = number_of(recipe, key);
    if (r > 1 && text_of(recipe, &LongTailKeys::reversed) != "true")
      recipe.error(key, key + " = " + number_text(r) + ": the imbalance ratio is n_min / n_max, at most 1",
                   "did you mean 1/" + number_text(r) + " = " + number_text(1 / r) +
                       "? (reversed = true makes the last class the largest)");
  }
  auto needs = [&](std::string_view size, std::string_view key) {
    if (text_of(recipe, &LongTailKeys::size) == size && text_of(recipe, key).empty())
      recipe.error(key_name(&LongTailKeys::size),
                   "size = \"" + std::string(size) + "\" needs " + std::string(key));
  };
  needs("fixed_total", key_name(&LongTailKeys::total));
  needs("fixed_minority", key_name(&LongTailKeys::minority));
}

void check_split(Recipe& recipe) {
  const std::string by = text_of(recipe, &SplitKeys::by);
  const bool own_val = !text_of(recipe, &TableKeys::val).empty(),
             own_test = !text_of(recipe, &TableKeys::test_file).empty();
  if (by == "files") {
    if (!own_val || !own_test)
      recipe.error(key_name(&SplitKeys::by), "split by files needs data.val and data.test",
                   "[data] val = \"FILE\", test = \"FILE\"");
    return;
  }
  for (const char* kind : {"group", "time"})
    if (by == kind && text_of(recipe, &SplitKeys::column).empty() &&
        text_of(recipe, std::string("data.columns.") + kind).empty())
      recipe.error(key_name(&SplitKeys::by), std::string("split by ") + kind + " needs the column",
                   std::string("[data] columns = { ") + kind + " = \"NAME\" }");
  // A file of its own makes the share of that split meaningless.
  const double val = own_val                          ? 0
                     : recipe.is_set(&SplitKeys::val) ? number_of(recipe, &SplitKeys::val)
                     : own_test                       ? SplitKeys::kValShareBesideTestFile
                                                      : SplitKeys::kValShare,
               test = own_test ? 0 : number_of(recipe, &SplitKeys::test);
  if (val + test < 1) return;
  const bool at_val = recipe.is_set(&SplitKeys::val);
  contradict(recipe, at_val ? key_name(&SplitKeys::val) : key_name(&SplitKeys::test),
             "val = " + number_text(val) + " and test = " + number_text(test) + " leave no rows to train on",
             at_val ? key_name(&SplitKeys::test) : key_name(&SplitKeys::val), "the other share", {});
}

void check_data(Recipe& recipe) {
  const std::string format = text_of(recipe, &DataKeys::format);
  if (format == "csv") {
    if (!recipe.is_set(&TableKeys::train))
      recipe.error(recipe.is_set(&DataKeys::format) ? key_name(&DataKeys::format)
                                                    : key_name(&TableKeys::train),
                   "data.train names no table",
                   "[data] train = \"FILE.csv\", or format = \"two_moons\" for a generated set");
    check_split(recipe);
  }
  if (format == "two_moons")
    for (const std::string& key : {key_name(&GeneratedKeys::classes), key_name(&GeneratedKeys::dimensions)})
      if (recipe.is_set(key) && number_of(recipe, key) != 2 &&
          !recipe.is_below(key, key_name(&DataKeys::format)))
        contradict(recipe, key, "two_moons has 2 classes in 2 dimensions", key_name(&DataKeys::format),
                   "the format is set here", "format = \"blobs\" takes any number");
}

void check_sampler(Recipe& recipe) {
  const auto* spec = runtime::Registry<runtime::SamplerSpec>::find(text_of(recipe, &DataKeys::sampler));
  if (!spec || !spec->check) return;
  if (const runtime::Status status = spec->check(recipe.options); !status.ok())
    recipe.error(status.key().empty() ? key_name(&DataKeys::sampler) : status.key(), status.message(),
                 status.hint());
}

// --- the run ---

void check_schedule(Recipe& recipe) {
  const auto schedule = runtime::Schedule::create(recipe.options, std::string(ScheduleKeys::kPrefix));
  if (!schedule.ok()) {
    const runtime::Status& status = schedule.status();
    const std::string& name = key_name(&ScheduleKeys::name);
    // What the chosen schedule misses is no key that was set.
    recipe.error(!status.key().empty() && recipe.is_set(status.key()) ? status.key() : name, status.message(),
                 status.hint());
    return;
  }
  const runtime::ScheduleCurve& curve = schedule->curve();
  const double epochs = number_of(recipe, &RunKeys::epochs);
  // A run that a file above, a stage or the command line made shorter is only said (runtime/train/schedule).
  if (curve.warmup_epochs > 0 && curve.warmup_epochs >= epochs && number_of(recipe, &RunKeys::steps) == 0 &&
      !recipe.is_below(curve.warmup_key, key_name(&RunKeys::epochs)) &&
      !recipe.is_above_stage(curve.warmup_key, key_name(&RunKeys::epochs)))
    contradict(
        recipe, curve.warmup_key,
        "a warm-up of " + number_text(curve.warmup_epochs) + " epochs in a run of " + number_text(epochs) +
            " never reaches optimizer.lr",
        key_name(&RunKeys::epochs), "the run's length is set here",
        "without warmup_epochs (on the command line: schedule.warmup_epochs=none) it is 5, or half the run "
        "where that is less");
}

constexpr std::string_view kValidation = "val/", kClass = "class_accuracy/";

// Names that `watched` may have: those of the table, as "val/NAME".
void unknown_metric(Recipe& recipe, std::string_view key, const std::string& watched) {
  const auto metric = runtime::parse_metric(watched.substr(kValidation.size()));
  std::vector<std::string> known;
  for (const runtime::MetricSpec* spec : runtime::metric_specs())
    known.push_back(spec->name);
  const std::string near = runtime::nearest_word(watched.substr(kValidation.size()), known);
  const std::string hint = metric.status().hint();
  recipe.error(key, "'" + watched + "': " + metric.status().message(),
               !near.empty()  ? "did you mean 'val/" + near + "'?"
               : hint.empty() ? hint
                              : hint + ", class_accuracy/NAME");
}

void check_watched(Recipe& recipe) {
  for (const std::string& key : {key_name(&RunKeys::early_stop_on), key_name(&RunKeys::keep_best)}) {
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
    else if (text_of(recipe, &DataKeys::format) == "csv" && text_of(recipe, &TableKeys::val).empty() &&
             recipe.is_set(&SplitKeys::val) && number_of(recipe, &SplitKeys::val) == 0)
      contradict(recipe, key, "'" + watched + "' is to be watched, but there is no validation split",
                 key_name(&SplitKeys::val), "its share is set here",
                 "data.split.val = " + number_text(SplitKeys::kValShare) + ", or data.val = \"FILE\"");
  }
}

void check_run(Recipe& recipe) {
  const Option* batch = recipe.options.find(key_name(&RunKeys::batch));
  if (const OptionValue::List* sizes = batch ? batch->value.as_list() : nullptr) {
    std::map<std::int64_t, std::size_t> firsts;
    for (std::size_t i = 0; i < sizes->size(); ++i)
      if (const auto [first, added] = firsts.emplace(*(*sizes)[i].as_int(), i); !added)
        contradict(recipe, element(key_name(&RunKeys::batch), i),
                   "run.batch names " + (*sizes)[i].to_json() + " twice",
                   element(key_name(&RunKeys::batch), first->second), "the first time is here", {});
    if (sizes->empty()) recipe.error(key_name(&RunKeys::batch), "run.batch is empty");
  }
  const std::vector<std::string> shown = strings_of(recipe, &EvalKeys::metrics);
  for (std::size_t i = 0; i < shown.size(); ++i)
    if (const auto metric = runtime::parse_metric(shown[i]);
        !metric.ok() && !runtime::is_metric_family(shown[i]))
      recipe.error(element(key_name(&EvalKeys::metrics), i), metric.status().message(),
                   metric.status().hint());
  if (const auto rule = runtime::parse_group_rule(text_of(recipe, &EvalKeys::groups)); !rule.ok())
    recipe.error(key_name(&EvalKeys::groups), rule.status().message(), rule.status().hint());
}

// The key that decides what the classes are.
std::string_view class_key(const Recipe& recipe) {
  if (text_of(recipe, &DataKeys::format) != "csv") return key_name(&GeneratedKeys::classes);
  for (const std::string& key : {key_name(&TableKeys::label_classes), key_name(&TableKeys::label_column)})
    if (recipe.is_set(key)) return key;
  return key_name(&TableKeys::train);
}

} // namespace

namespace {

void check_part(Recipe& recipe) {
  check_methods(recipe);
  check_long_tail(recipe);
  check_data(recipe);
  check_sampler(recipe);
  check_schedule(recipe);
  check_watched(recipe);
  check_run(recipe);
  check_effects(recipe);
}

} // namespace

void check(Recipe& recipe) {
  if (const std::string& key = key_name(&ModelKeys::initialise); recipe.is_set(key))
    recipe.error(key, "'" + key + "' is for a [[stage]] of several: the first one initialises everything",
                 "set it in the stage in which they start anew");
  if (recipe.stages.empty()) return check_part(recipe);
  check_stage_list(recipe);
  std::vector<std::vector<Diagnostic>> found;
  for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
    Recipe part = recipe.of_stage(i);
    check_part(part);
    found.push_back(std::move(part.errors));
    for (std::string& note : part.notes)
      if (std::find(recipe.notes.begin(), recipe.notes.end(), note) == recipe.notes.end())
        recipe.notes.push_back(std::move(note));
  }
  add_found(recipe, found);
}

/// What a recipe says of images where there are none, and of columns where there are images.
static void check_images(Recipe& recipe, const runtime::DataSchema& schema) {
  if (const auto made = runtime::make_augmentations(recipe.options, schema); !made.ok())
    recipe.error(made.status().key(), made.status().message(), made.status().hint());
  const std::string& numeric = key_name(&DataKeys::numeric);
  if (schema.image_height > 0 && recipe.is_set(numeric))
    recipe.error(numeric, "the data are images, which have no numeric columns to normalise",
                 schema.image_mean.empty()
                     ? "leave it out"
                     : "images are normalised by " + key_name(&ImageKeys::mean) + " and .std");
}

void check_schema(Recipe& recipe, const runtime::DataSchema& schema) {
  if (!recipe.stages.empty()) {
    std::vector<std::vector<Diagnostic>> found;
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
      Recipe part = recipe.of_stage(i);
      check_schema(part, schema);
      found.push_back(std::move(part.errors));
    }
    return add_found(recipe, found);
  }
  check_methods(recipe, schema);
  check_images(recipe, schema);
  const std::string classes = std::to_string(schema.num_classes);
  const auto needs_two_classes = [&](const std::string& name) {
    const auto metric = runtime::parse_metric(name);
    return metric.ok() && metric->spec->two_classes && schema.num_classes != 2;
  };
  const auto two_classes_only = [&](std::string_view key, const std::string& metric) {
    contradict(recipe, key, "'" + metric + "' is for two classes, the data have " + classes,
               class_key(recipe), "they come from here", "balanced_accuracy counts all classes the same");
  };
  for (const std::string& key : {key_name(&RunKeys::early_stop_on), key_name(&RunKeys::keep_best)}) {
    const std::string watched = text_of(recipe, key);
    const std::string metric = watched.substr(std::min(watched.size(), kValidation.size()));
    if (metric.starts_with(kClass)) {
      const std::string name = metric.substr(kClass.size());
      if (std::find(schema.class_names.begin(), schema.class_names.end(), name) == schema.class_names.end()) {
        const std::string near = runtime::nearest_word(name, schema.class_names);
        recipe.error(key, "'" + watched + "': the data have no class '" + name + "'",
                     near.empty() ? std::string() : "did you mean '" + near + "'?");
      }
    } else if (needs_two_classes(metric)) {
      two_classes_only(key, watched);
    }
  }
  const std::vector<std::string> shown = strings_of(recipe, &EvalKeys::metrics);
  for (std::size_t i = 0; i < shown.size(); ++i)
    if (needs_two_classes(shown[i])) two_classes_only(element(key_name(&EvalKeys::metrics), i), shown[i]);
  if (const auto rule = runtime::parse_group_rule(text_of(recipe, &EvalKeys::groups));
      rule.ok() && rule->kind == runtime::GroupRule::Kind::kHeadMedTail && rule->b > schema.num_classes)
    contradict(recipe, key_name(&EvalKeys::groups),
               "groups " + to_string(*rule) + " reach beyond the " + classes + " classes", class_key(recipe),
               "they come from here", {});
  const bool is_set = recipe.is_set(&LongTailKeys::step_at);
  const double step_at = is_set ? number_of(recipe, &LongTailKeys::step_at) : 5;
  for (const std::string& profile : {key_name(&LongTailKeys::profile), key_name(&TestTailKeys::profile)})
    if (text_of(recipe, profile) == "step_at" && step_at >= schema.num_classes) {
      contradict(recipe, is_set ? key_name(&LongTailKeys::step_at) : profile,
                 "step_at = " + number_text(step_at) + " leaves none of the " + classes + " classes rare",
                 class_key(recipe), "they come from here",
                 "step_at is the first rare class, below " + classes);
      break;
    }
}

} // namespace tailor::recipe
