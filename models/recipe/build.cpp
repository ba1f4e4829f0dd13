#include "models/recipe/build.h"

#include <algorithm>

#include "frontend/data.h"
#include "frontend/error.h"
#include "models/recipe/methods.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"

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

std::vector<int64_t> integers(const Recipe& recipe, std::string_view key) {
  const OptionValue& value = recipe.options.find(key)->value;
  if (const int64_t* single = value.as_int()) return {*single};
  std::vector<int64_t> out;
  for (const OptionValue& item : *value.as_list())
    out.push_back(*item.as_int());
  return out;
}

std::string models_for(InputKind input) {
  std::vector<std::string> names;
  for (const auto& [name, spec] : runtime::Registry<ModelSpec>::specs())
    if (spec.input == input) names.push_back("\"" + name + "\"");
  return runtime::listed(names, " or ");
}

} // namespace

Location Program::at(std::string_view key) const {
  if (Place place = recipe_.place(key); place.in_file())
    return make_location(place.file, place.line, place.column);
  // A default answers to the first key set in its section, else to the recipe as a whole.
  const std::string section(key.substr(0, key.find('.') + 1));
  for (const auto& [other, place] : recipe_.places)
    if (place.in_file() && other.starts_with(section))
      return make_location(place.file, place.line, place.column);
  return make_location(recipe_.path, 1, 1);
}

std::string Program::text(std::string_view key) const {
  return *recipe_.options.get_string(key);
}

Program::Program(const Recipe& recipe, const runtime::DataSchema& schema)
    : recipe_(recipe), training_(recipe.name, make_location(recipe.path, 1, 1)),
      loss_(used_loss(recipe_.options)) {
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
  make_network(schema, one_logit ? 1 : schema.num_classes);
  training_.state("net", net_->module());
  make_optimizer();
  make_methods();

  training_.train_step([this](Step& step) { train(step); });
  EvalOptions eval;
  if (text(key_name(&EvalKeys::weights)) == "ema")
    for (const UsedMethod& used : methods_)
      if (optim::Ema* average = used.method->average()) eval.weights = *average;
  eval.metrics = *recipe_.options.get_strings(key_name(&EvalKeys::metrics));
  training_.eval_step(
      [this](Eval& e) {
        LocationScope scope(at(key_name(&ModelKeys::name)), LocationScope::Nesting::inner);
        const Network::Outputs outputs = net_->evaluate(e.batch(), e.context());
        e.logits(outputs.logits);
        if (!outputs.features.empty()) e.features(outputs.features);
      },
      eval);
}

void Program::make_network(const runtime::DataSchema& schema, std::int64_t outputs) {
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
  net_ = run_user_code("model '" + spec->name + "'", here, [&] {
    return spec->make({schema, outputs, recipe_.options});
  });
  if (!net_) throw TraceError("model", "the function of '" + spec->name + "' gave no network", here);
}

void Program::make_optimizer() {
  const OptimizerSpec* spec = used_optimizer(recipe_.options);
  const Location here = at(key_name(&OptimizerKeys::name));
  LocationScope scope(here, LocationScope::Nesting::inner);
  optimizer_ =
      run_user_code("optimizer '" + spec->name + "'", here, [&] { return spec->make(recipe_.options); });
  if (!optimizer_)
    throw TraceError("optimizer", "the function of '" + spec->name + "' gave no optimizer", here);
  training_.state("optimizer", *optimizer_);
}

void Program::make_methods() {
  for (const MethodSpec* spec : used_methods(recipe_.options)) {
    const Location here = at(key_name(&MethodKeys::use));
    std::unique_ptr<Method> method =
        run_user_code("method '" + spec->name + "'", here, [&] { return spec->make(recipe_.options); });
    if (!method) throw TraceError("method", "the function of '" + spec->name + "' gave no method", here);
    method->declare(training_);
    methods_.push_back({spec, std::move(method)});
  }
}

Gradients Program::gradients(Step& step) {
  const Location here = at(key_name(&MethodKeys::use));
  LocationScope scope(here, LocationScope::Nesting::inner);
  const ClassStats classes = step.classes();
  losses::LossOptions shaped;
  shaped.valid = step.batch().valid;
  for (const UsedMethod& used : methods_)
    run_user_code("method '" + used.spec->name + "'", here, [&] { used.method->shape_loss(step, shaped); });
  const Array class_weights = shaped.class_weights ? shaped.class_weights->array() : Array();
  const LossOfWeights loss = [&](const Array& weights) {
    LossRequest request{step, {}, step.batch(), classes, shaped};
    {
      LocationScope network(at(key_name(&ModelKeys::name)), LocationScope::Nesting::inner);
      request.logits = net_->logits(step.batch(), step.context());
    }
    // Weights that a method brings for its own pass count as class weights do by default.
    if (!shaped.class_weights && !weights.empty()) request.options.reduction = Reduction::weighted_mean;
    request.options.class_weights = weights.empty() ? std::optional<Operand>() : Operand(weights);
    if (weights.empty()) request.options.reduction = Reduction::batch_mean;
    const Location line = loss_->name == MethodKeys().loss ? here : at(key_name(&MethodKeys::loss));
    LocationScope own(line, LocationScope::Nesting::inner);
    return run_user_code("loss '" + loss_->name + "'", line, [&] { return loss_->make(request); });
  };
  for (const UsedMethod& used : methods_)
    if (used.spec->part == Part::gradients)
      return run_user_code("method '" + used.spec->name + "'", here,
                           [&] { return used.method->gradients(step, loss, class_weights); });
  return Method().gradients(step, loss, class_weights);
}

void Program::train(Step& step) {
  if (const std::vector<std::string> frozen = *recipe_.options.get_strings(key_name(&ModelKeys::freeze));
      !frozen.empty()) {
    LocationScope scope(at(key_name(&ModelKeys::freeze)), LocationScope::Nesting::inner);
    step.freeze(net_->module(), frozen);
  }
  const Gradients step_gradients = gradients(step);
  LocationScope scope(at(key_name(&OptimizerKeys::name)), LocationScope::Nesting::inner);
  Array lr =
      step.control("lr", component_keys<OptimizerKeys>(recipe_.options).lr, key_name(&OptimizerKeys::lr));
  step.update(net_->module(), *optimizer_, step_gradients, lr);
  for (const UsedMethod& used : methods_)
    used.method->after_update(step, net_->module());
}

} // namespace tailor::recipe
