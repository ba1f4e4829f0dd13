#include "frontend/recipe/build.h"

#include <algorithm>

#include "frontend/data.h"
#include "frontend/error.h"
#include "frontend/imbalance/ascent.h"
#include "frontend/imbalance/class_weights.h"
#include "frontend/imbalance/smoothing.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/ops/elementwise.h"
#include "models/mlp.h"

namespace tailor::recipe {
namespace {

std::vector<int64_t> integers(const Recipe& recipe, std::string_view key) {
  const OptionValue& value = recipe.options.find(key)->value;
  if (const int64_t* single = value.as_int()) return {*single};
  std::vector<int64_t> out;
  for (const OptionValue& item : *value.as_list())
    out.push_back(*item.as_int());
  return out;
}

Schedule learning_rate(const Recipe& recipe) {
  Schedule schedule;
  schedule.name = *recipe.options.get_string("schedule.name");
  schedule.peak = *recipe.options.get_number("optimizer.lr");
  schedule.warmup_epochs =
      *recipe.options.get_number("schedule.warmup_epochs", 0); // unset: the runtime's rule
  schedule.per_step = *recipe.options.get_string("schedule.per") == "step";
  for (int64_t epoch : integers(recipe, "schedule.milestones"))
    schedule.milestones.push_back(epoch);
  schedule.factor = *recipe.options.get_number("schedule.factor");
  return schedule;
}

SamBatchNorm bn_stats(const std::string& word) {
  if (word == "both") return SamBatchNorm::both;
  return word == "second" ? SamBatchNorm::second : SamBatchNorm::first;
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

bool Program::uses(std::string_view method) const {
  std::vector<std::string> use = *recipe_.options.get_strings("method.use");
  return std::find(use.begin(), use.end(), method) != use.end();
}

std::string Program::text(std::string_view key) const {
  return *recipe_.options.get_string(key);
}
double Program::number(std::string_view key) const {
  return *recipe_.options.get_number(key);
}
bool Program::flag(std::string_view key) const {
  return *recipe_.options.get_bool(key);
}

Program::Program(const Recipe& recipe, const runtime::DataSchema& schema)
    : recipe_(recipe), training_(recipe.name, make_location(recipe.path, 1, 1)),
      sgd_({.momentum = number("optimizer.momentum"),
            .weight_decay = number("optimizer.weight_decay"),
            .nesterov = flag("optimizer.nesterov"),
            .decay_filter =
                optim::decay_filter_from_name(text("optimizer.decay_filter"), at("optimizer.decay_filter"))}),
      adamw_({.weight_decay = number("optimizer.weight_decay"),
              .beta1 = number("optimizer.beta1"),
              .beta2 = number("optimizer.beta2"),
              .epsilon = number("optimizer.eps"),
              .decay_filter = optim::decay_filter_from_name(text("optimizer.decay_filter"),
                                                            at("optimizer.decay_filter"))}),
      ema_({.decay = number("method.ema.decay"),
            .warmup = flag("method.ema.warmup"),
            .bn = text("method.ema.bn") == "avg" ? optim::EmaBatchNorm::avg : optim::EmaBatchNorm::copy}) {
  // What has no line of its own in the recipe answers to the methods it is made of.
  LocationScope scope(at("method.use"));
  const bool one_logit = text("model.output") == "sigmoid";
  if (one_logit && schema.num_classes != 2)
    throw TraceError(
        "model", "one logit tells two classes apart, but the data have " + std::to_string(schema.num_classes),
        at("model.output"), "model.output = \"softmax\"");

  training_.options() = recipe_.options;
  training_.data(data::Plan(recipe_.options, schema, at("data.format")),
                 {.batch = BatchSizes(integers(recipe_, "run.batch")),
                  .eval_batch = BatchSizes(integers(recipe_, "run.eval_batch"))});
  {
    LocationScope scope(at("model.name"), LocationScope::Nesting::inner);
    net_ = make_network({schema, one_logit ? 1 : schema.num_classes, recipe_.options});
  }
  training_.state("net", net_->module());
  if (text("optimizer.name") == "adamw")
    training_.state("optimizer", adamw_);
  else
    training_.state("optimizer", sgd_);
  if (uses("ema")) training_.state("ema", ema_);

  training_.train_step([this](Step& step) { train(step); });
  EvalOptions eval;
  if (text("eval.weights") == "ema") eval.weights = ema_;
  eval.metrics = *recipe_.options.get_strings("eval.metrics");
  training_.eval_step(
      [this](Eval& e) {
        LocationScope scope(at("model.name"), LocationScope::Nesting::inner);
        const Network::Outputs outputs = net_->evaluate(e.batch(), e.context());
        e.logits(outputs.logits);
        if (!outputs.features.empty()) e.features(outputs.features);
      },
      eval);
}

std::unique_ptr<Network> Program::make_network(const ModelRequest& request) {
  const std::string name = text("model.name");
  if (const ModelFactory* factory = find_model(name)) {
    std::unique_ptr<Network> network =
        run_user_code("model '" + name + "'", at("model.name"), [&] { return (*factory)(request); });
    if (!network)
      throw TraceError("model", "the function of '" + name + "' gave no network", at("model.name"));
    return network;
  }
  std::vector<int32_t> capacities = request.schema.category_capacities();
  return as_network(std::make_unique<models::Mlp>(models::MlpOptions{
      .numeric_columns = request.schema.num_numeric(),
      .category_sizes = std::vector<int64_t>(capacities.begin(), capacities.end()),
      .layers = integers(recipe_, "model.layers"),
      .outputs = request.outputs,
      .activation = nn::activation_from_name(text("model.activation"), at("model.activation")),
      .batch_norm = flag("model.batch_norm"),
      .dropout = number("model.dropout")}));
}

Array Program::logits(const Batch& batch, const Context& context) {
  LocationScope scope(at("model.name"), LocationScope::Nesting::inner);
  return net_->logits(batch, context);
}

Operand Program::table_beta(Step& step, const std::string& method, const char* field) {
  // A field that no table reads would make a run key of it that has no effect.
  if (text(method + "table") != "effective") return number(method + "beta");
  return step.control(field, number(method + "beta"), method + "beta");
}

Program::LossTables Program::loss_tables(Step& step) {
  LossTables tables;
  LocationScope scope(at("method.use"), LocationScope::Nesting::inner);
  const Array counts = step.classes().counts();
  if (uses("smoothing")) {
    Array eps = step.control("smoothing", number("method.smoothing.eps"), "method.smoothing.eps");
    Array eps_max =
        step.control("smoothing_max", number("method.smoothing.eps_max"), "method.smoothing.eps_max");
    tables.smoothing =
        imbalance::class_smoothing(counts, eps,
                                   imbalance::smoothing_profile_from_name(text("method.smoothing.profile"),
                                                                          at("method.smoothing.profile")),
                                   eps_max);
  }
  if (uses("logit-adjustment"))
    tables.bias = imbalance::log_prior(
        counts, step.control("tau", number("method.logit-adjustment.tau"), "method.logit-adjustment.tau"));
  if (uses("balanced-softmax")) tables.bias = imbalance::log_counts(counts);
  if (uses("weighted"))
    tables.weights = imbalance::class_weights(
        counts, imbalance::weight_table_from_name(text("method.weighted.table"), at("method.weighted.table")),
        table_beta(step, "method.weighted.", "weight_beta"));
  return tables;
}

Array Program::loss(Step& step, const LossTables& tables, const Array& weights) {
  Array z = logits(step.batch(), step.context());
  if (const LossFunction* registered = find_loss(text("method.loss"))) {
    LocationScope scope(at("method.loss"), LocationScope::Nesting::inner);
    return run_user_code("loss '" + text("method.loss") + "'", at("method.loss"), [&] {
      return (*registered)({z, step.batch(), step.classes(), weights});
    });
  }
  LocationScope scope(at("method.use"), LocationScope::Nesting::inner);
  losses::LossOptions options;
  options.valid = step.batch().valid;
  if (!weights.empty()) {
    options.class_weights = Operand(weights);
    const bool over_batch = uses("weighted") && text("method.weighted.reduction") == "batch_mean";
    options.reduction = over_batch ? Reduction::batch_mean : Reduction::weighted_mean;
  }
  if (!tables.smoothing.empty()) options.smoothing = Operand(tables.smoothing);
  if (!tables.bias.empty()) options.bias = Operand(tables.bias);
  return text("model.output") == "sigmoid" ? losses::sigmoid_cross_entropy(z, step.batch().label, options)
                                           : losses::softmax_cross_entropy(z, step.batch().label, options);
}

Gradients Program::sharpness_aware(Step& step, const LossTables& tables) {
  const Array& weights = tables.weights;
  const std::string method = uses("sam-a") ? "method.sam-a." : "method.sam.";
  LocationScope scope(at("method.use"), LocationScope::Nesting::inner);
  SamOptions options;
  options.rho = step.control("rho", number(method + "rho"), method + "rho");
  options.adaptive = flag(method + "adaptive");
  options.same_rng = flag(method + "same_rng");
  options.bn_stats = bn_stats(text(method + "bn_stats"));
  SamResult result;
  if (!uses("sam-a") && weights.empty()) {
    result = sam([&] { return loss(step, tables, Array()); }, options);
  } else {
    options.ascent = weights;
    options.descent = weights;
    if (uses("sam-a")) {
      options.ascent = imbalance::ascent_table(
          step.classes().counts(),
          imbalance::ascent_table_from_name(text("method.sam-a.table"), at("method.sam-a.table")),
          table_beta(step, "method.sam-a.", "ascent_beta"));
      if (weights.empty()) options.descent = ones_like(options.ascent);
      options.radius = text("method.sam-a.radius") == "batch_mean" ? SamRadius::batch_mean : SamRadius::fixed;
      options.labels = step.batch().label;
      options.valid = step.batch().valid;
    }
    result = sam([&](const Array& table) { return loss(step, tables, table); }, options);
  }
  step.report("loss", result.loss);
  step.report("ascent_loss", result.ascent_loss);
  step.report("gradient_norm", result.gradient_norm);
  return result.gradients;
}

Gradients Program::gradients(Step& step) {
  const LossTables tables = loss_tables(step);
  LocationScope scope(at("method.use"), LocationScope::Nesting::inner);
  const std::vector<std::string> methods = *recipe_.options.get_strings("method.use");
  for (const std::string& name : methods)
    if (const MethodFunction* registered = find_method(name))
      return run_user_code("method '" + name + "'", at("method.use"), [&] {
        return (*registered)(
            {step,
             [&](const Array& table) { return loss(step, tables, table.empty() ? tables.weights : table); },
             recipe_.options});
      });
  if (uses("sam") || uses("sam-a")) return sharpness_aware(step, tables);
  LossAndGradients result = value_and_grad([&] { return loss(step, tables, tables.weights); });
  step.report("loss", result.loss);
  return result.gradients;
}

void Program::train(Step& step) {
  const Gradients step_gradients = gradients(step);
  LocationScope scope(at("optimizer.name"), LocationScope::Nesting::inner);
  Array lr = step.control("lr", learning_rate(recipe_));
  if (text("optimizer.name") == "adamw")
    step.update(net_->module(), adamw_, step_gradients, lr);
  else
    step.update(net_->module(), sgd_, step_gradients, lr);
  if (uses("ema")) step.update(ema_, net_->module());
}

} // namespace tailor::recipe
