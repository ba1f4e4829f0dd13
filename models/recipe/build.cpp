#include "models/recipe/build.h"

#include "frontend/data.h"
#include "frontend/graph/error.h"
#include "models/recipe/methods.h"
#include "models/recipe/stages.h"
#include "runtime/base/glob.h"
#include "runtime/base/wording.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"

#include <algorithm>
#include <utility>

namespace tailor::recipe {

using runtime::DataKeys;
using runtime::EvalKeys;
using runtime::key_name;
using runtime::MethodKeys;
using runtime::ModelKeys;
using runtime::ModelOutput;
using runtime::OptimizerKeys;
using runtime::RunKeys;
using runtime::word_of;

namespace {

std::vector<std::int64_t> integers(const Recipe& recipe, std::string_view key) {
  const OptionValue& value = recipe.options.find(key)->value;
  if (const std::int64_t* single = value.as_int()) return {*single};
  std::vector<std::int64_t> out;
  for (const OptionValue& item : *value.as_list())
    out.push_back(*item.as_int());
  return out;
}

/// What a component makes; what it finds wrong without knowing the recipe stands at `here`.
template <class Make> auto made(const std::string& what, const Location& here, const Make& make) {
  try {
    return run_user_code(what, here, make);
  } catch (const TraceError& error) {
    if (error.location().known()) throw;
    throw TraceError(error.op(), error.message(), here, error.hint());
  }
}

/// The compile key of `spec` that two stages say differently, where one of them says it; both are made of others.
std::pair<std::string, Location> differing_key(const MethodSpec& spec, const Recipe& first,
                                               const Recipe& second) {
  for (const runtime::KeySpec& key : spec.keys)
    if (made_of(first.options, {key}) != made_of(second.options, {key}))
      return {key.key, location_of(second.place(key.key).known() ? second : first, key.key)};
  return {};
}

std::string models_for(InputKind input) {
  std::vector<std::string> names;
  for (const auto& [name, spec] : runtime::Registry<ModelSpec>::specs())
    if (spec.input == input) names.push_back("\"" + name + "\"");
  return runtime::listed(names, " or ");
}

} // namespace

std::string Program::text(std::string_view key) const {
  return *recipe_.options.get_string(key);
}

Program::Program(const Recipe& recipe, const runtime::DataSchema& schema)
    : recipe_(recipe), training_(recipe.name, make_location(recipe.path, 1, 0)) {
  // What has no line of its own in the recipe answers to the methods it is made of.
  LocationScope scope(at(key_name(&MethodKeys::use)));
  const bool one_logit = text(key_name(&ModelKeys::output)) == word_of(ModelOutput::kSigmoid);
  if (one_logit && schema.num_classes != 2)
    throw TraceError(
        "model", "one logit tells two classes apart, but the data have " + std::to_string(schema.num_classes),
        at(key_name(&ModelKeys::output)), "model.output = \"softmax\"");

  training_.options() = recipe_.options;
  training_.data(data::Plan(recipe_.options, schema, at(key_name(&DataKeys::format))),
                 {.batch = BatchSizes(integers(recipe_, key_name(&RunKeys::batch))),
                  .eval_batch = BatchSizes(integers(recipe_, key_name(&RunKeys::eval_batch)))});
  num_classes_ = schema.num_classes;
  weighs_rows_ = schema.row_weight() != nullptr;
  const std::int64_t outputs = one_logit ? 1 : schema.num_classes;
  net_ = make_network(schema, outputs);
  training_.state("net", net_->module());
  keep_weights(schema, outputs);
  make_optimizer();
  make_steps();
}

std::unique_ptr<Network> Program::make_network(const runtime::DataSchema& schema,
                                               std::int64_t outputs) const {
  const Location here = at(key_name(&ModelKeys::name));
  LocationScope scope(here, LocationScope::Nesting::inner);
  const ModelSpec* spec = runtime::Registry<ModelSpec>::find(text(key_name(&ModelKeys::name)));
  const bool image = schema.image_height > 0;
  if ((spec->input == InputKind::image) != image)
    throw TraceError("model",
                     "'" + spec->name + "' reads " + (image ? "tables" : "images") + ", the data are " +
                         (image ? "images" : "rows of a table"),
                     here,
                     "data.format = \"" + text(key_name(&DataKeys::format)) + "\" goes with model.name = " +
                         models_for(image ? InputKind::image : InputKind::table));
  auto net = made("model '" + spec->name + "'", here, [&] {
    return spec->make({schema, outputs, recipe_.options});
  });
  if (!net) throw TraceError("model", "the function of '" + spec->name + "' gave no network", here);
  return net;
}

void Program::keep_weights(const runtime::DataSchema& schema, std::int64_t outputs) {
  for (std::size_t i = 0; i < recipe_.stages.size(); ++i) {
    const std::optional<std::size_t> from = index_of_stage(recipe_, recipe_.stages[i].weights, i);
    if (!from || *from + 1 == i || kept_.contains(*from)) continue; // the last weights are there
    Network& kept = *(kept_[*from] = make_network(schema, outputs));
    training_.state(kept_group(*from), kept.module(), StateKind::generator);
  }
}

std::string Program::kept_group(std::size_t stage) const {
  return "net_of_" + recipe_.stages[stage].name;
}

std::vector<StageCopy> Program::copies_of(std::size_t i) const {
  std::vector<StageCopy> copies;
  if (i > 0 && kept_.contains(i - 1)) copies.push_back({"net", kept_group(i - 1)});
  if (const auto from = index_of_stage(recipe_, recipe_.stages[i].weights, i); from && *from + 1 != i)
    copies.push_back({kept_group(*from), "net"});
  return copies;
}

void Program::check_initialised(const Recipe& part) const {
  const std::string& key = key_name(&ModelKeys::initialise);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : net_->module().tensors())
    names.push_back(name);
  const std::vector<std::string> patterns = *part.options.get_strings(key);
  for (const std::string& pattern : patterns)
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return runtime::matches_glob(pattern, name); }))
      throw TraceError("model", "'" + pattern + "' of " + key + " matches no tensor of the network",
                       location_of(part, key), optim::nearest_names(pattern, names));
}

void Program::make_optimizer() {
  const OptimizerSpec* spec = used_optimizer(recipe_.options);
  const Location here = at(key_name(&OptimizerKeys::name));
  LocationScope scope(here, LocationScope::Nesting::inner);
  optimizer_ = made("optimizer '" + spec->name + "'", here, [&] { return spec->make(recipe_.options); });
  if (!optimizer_)
    throw TraceError("optimizer", "the function of '" + spec->name + "' gave no optimizer", here);
  training_.state("optimizer", *optimizer_);
}

std::vector<UsedMethod> Program::methods_of(const Recipe& part) {
  std::vector<UsedMethod> used;
  for (const MethodSpec* spec : used_methods(part.options)) {
    std::unique_ptr<Method>& method = methods_[spec->name + made_of(part.options, spec->keys)];
    if (!method) {
      const Location here = location_of(part, key_name(&MethodKeys::use));
      LocationScope scope(here);
      method = made("method '" + spec->name + "'", here, [&] { return spec->make(part.options); });
      if (!method) throw TraceError("method", "the function of '" + spec->name + "' gave no method", here);
      declare(*spec, *method, part);
    }
    used.push_back({spec, method.get()});
  }
  return used;
}

void Program::declare(const MethodSpec& spec, Method& method, const Recipe& part) {
  const auto [first, is_first] = declared_.try_emplace(spec.name, part);
  const std::size_t before = training_.num_states();
  if (is_first) {
    method.declare(training_, num_classes_);
    if (training_.num_states() == before) {
      declared_.erase(first); // nothing to share
      return;
    }
    // What it was made of is the program's, whichever stage says it.
    Options options = std::as_const(training_).options();
    for (const runtime::KeySpec& key : spec.keys)
      if (const Option* own = part.options.find(key.key); own && key.stage == runtime::OptionStage::kCompile)
        options.set(key.key, *own);
    training_.options() = std::move(options);
    return;
  }
  // The state is one, and so is what it is made by.
  const auto [key, place] = differing_key(spec, first->second, part);
  const auto said = [&](const Recipe& recipe) {
    const runtime::Option* option = recipe.options.find(key);
    return option ? option->value.to_json() : std::string("not set");
  };
  throw TraceError("method",
                   "'" + key + "' is " + said(first->second) + " in one stage and " + said(part) +
                       " in another, and '" + spec.name + "' keeps one state for all stages",
                   place, "set it in its section, above the first [[stage]]");
}

EvalOptions Program::evaluation_of(const Recipe& part, const std::vector<UsedMethod>& methods) const {
  EvalOptions eval;
  if (*part.options.get_string(key_name(&EvalKeys::weights)) == "ema")
    for (const UsedMethod& used : methods)
      if (optim::Ema* average = used.method->average()) eval.weights = *average;
  eval.metrics = *part.options.get_strings(key_name(&EvalKeys::metrics));
  return eval;
}

void Program::evaluate(Eval& eval, const RecipeStep& step) {
  LocationScope scope(at(key_name(&ModelKeys::name)), LocationScope::Nesting::inner);
  const Network::Outputs outputs = net_->evaluate(eval.batch(), eval.context());
  eval.logits(step.adjusted(outputs.logits, eval.context()));
  if (!outputs.features.empty()) eval.features(outputs.features);
}

void Program::make_steps() {
  const auto step_of = [&](const Recipe& part) {
    return std::make_unique<RecipeStep>(part, methods_of(part), *net_, *optimizer_, weighs_rows_);
  };
  if (recipe_.stages.empty()) {
    RecipeStep& step = *steps_.emplace_back(step_of(recipe_));
    training_.train_step([&step](Step& s) { step.train(s); });
    training_.eval_step([this, &step](Eval& e) { evaluate(e, step); },
                        evaluation_of(recipe_, step.methods()));
    return;
  }
  std::map<std::string, std::string> steps, evals; ///< what is alike -> its name
  std::vector<Stage> stages;
  for (std::size_t i = 0; i < recipe_.stages.size(); ++i) {
    const RecipeStage& own = recipe_.stages[i];
    const Location here = make_location(own.place.file, own.place.line, own.place.column);
    LocationScope scope(here);
    RecipeStep& step = *steps_.emplace_back(step_of(recipe_.of_stage(i)));
    check_initialised(step.part());
    const std::string suffix = i == 0 ? "" : "_" + own.name;
    const auto [step_name, new_step] = steps.emplace(step.signature(), "train_step" + suffix);
    if (new_step) training_.step(step_name->second, [&step](Step& s) { step.train(s); });
    EvalOptions eval = evaluation_of(step.part(), step.methods());
    eval.metrics.clear(); // the options have them, by stage: stages may share an evaluation
    const std::string evaluated = eval.weights.ema() || step.adjusts() ? step.signature() : "raw";
    const auto [eval_name, new_eval] = evals.emplace(evaluated, "eval_step" + suffix);
    if (new_eval)
      training_.eval(
          eval_name->second, [this, &step](Eval& e) { evaluate(e, step); }, eval);
    Stage stage{.name = own.name, .step = step_name->second, .eval = eval_name->second};
    stage.continues = own.continues;
    stage.copies = copies_of(i);
    Options options; // run keys are read when the stage runs; compile keys have made its step and say of what
    for (const auto& [key, option] : own.own)
      if (own.places.contains(key)) options.set(key, option);
    stage.options = options;
    stages.push_back(std::move(stage));
  }
  training_.stages(std::move(stages));
}

} // namespace tailor::recipe
