#include "models/recipe/recipe_step.h"

#include "frontend/components/divisor.h"
#include "frontend/graph/error.h"
#include "frontend/losses/row_losses.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"
#include "models/recipe/methods.h"
#include "runtime/base/glob.h"
#include "runtime/options/program_keys.h"

#include <algorithm>

namespace tailor::recipe {

using runtime::key_name;
using runtime::MethodKeys;
using runtime::ModelKeys;
using runtime::OptimizerKeys;

Location location_of(const Recipe& recipe, std::string_view key) {
  if (Place place = recipe.place(key); place.in_file())
    return make_location(place.file, place.line, place.column);
  else if (place.known())
    return make_location(place.file, 1, 0); // the command line
  // A default answers to the first key set in its section, else to the recipe as a whole.
  const std::string section(key.substr(0, key.find('.') + 1));
  for (const auto& [other, place] : recipe.places)
    if (place.in_file() && other.starts_with(section))
      return make_location(place.file, place.line, place.column);
  return make_location(recipe.path, 1, 0);
}

std::string made_of(const Options& options, const std::vector<runtime::KeySpec>& specs) {
  std::string text;
  for (const runtime::KeySpec& spec : specs)
    if (spec.stage == runtime::OptionStage::kCompile) {
      const Option* option = options.find(spec.key);
      text += " " + spec.key + "=" + (option ? option->value.to_json() : "");
    }
  return text;
}

RecipeStep::RecipeStep(Recipe part, std::vector<UsedMethod> methods, Network& net,
                       optim::Optimizer& optimizer, bool weighs_rows)
    : part_(std::move(part)), methods_(std::move(methods)), loss_(used_loss(part_.options)), net_(net),
      optimizer_(optimizer), weighs_rows_(weighs_rows) {
  for (const UsedMethod& used : methods_)
    signature_ += used.spec->name + made_of(part_.options, used.spec->keys) + ";";
  signature_ += loss_->name + made_of(part_.options, loss_->keys) + ";" +
                made_of(part_.options, {runtime::key_spec(&ModelKeys::freeze)});
}

bool RecipeStep::adjusts() const {
  return std::any_of(methods_.begin(), methods_.end(),
                     [](const UsedMethod& used) { return used.spec->adjusts_logits; });
}

Array RecipeStep::adjusted(Array logits, const Context& context) const {
  for (const UsedMethod& used : methods_)
    if (used.spec->adjusts_logits) logits = used.method->adjust_logits(logits, context);
  return logits;
}

MixedRows RecipeStep::mix(Step& step, losses::LossOptions& shaped) {
  const Location here = at(key_name(&MethodKeys::use));
  for (const UsedMethod& used : methods_) {
    if (used.spec->part != Part::mixing) continue;
    Array inputs;
    {
      LocationScope network(at(key_name(&ModelKeys::name)), LocationScope::Nesting::inner);
      inputs = net_.inputs(step.batch());
    }
    if (inputs.empty())
      throw TraceError("method",
                       "'" + used.spec->name + "' mixes rows, and model '" +
                           *part_.options.get_string(key_name(&ModelKeys::name)) +
                           "' does not say what it reads of them",
                       here, "the network needs inputs(batch) and operator()(inputs, context)");
    MixedRows mixed = run_user_code("method '" + used.spec->name + "'", here,
                                    [&] { return used.method->mix(step, inputs); });
    if (mixed.partners.empty()) continue;
    shaped.labels_b = take(step.batch().label, mixed.partners);
    if (!shaped.row_weights.empty()) shaped.row_weights_b = take(shaped.row_weights, mixed.partners);
    shaped.lambda = broadcast_to(mixed.share, {step.batch_size()});
    shaped.mixed = mixed.labels;
    return mixed;
  }
  return {};
}

namespace {
/// A parameter of `net` is matched by none of the globs `frozen`.
bool trains(const nn::Module& net, const std::vector<std::string>& frozen) {
  const auto tensors = net.tensors();
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& named) {
    return named.second->state()->role == State::Role::parameter &&
           std::none_of(frozen.begin(), frozen.end(), [&](const std::string& pattern) {
             return runtime::matches_glob(pattern, named.first);
           });
  });
}
} // namespace

bool RecipeStep::reduces_by(Reduction reduction) const {
  return loss_->is_of_rows() ||
         std::find(loss_->reductions.begin(), loss_->reductions.end(), reduction) != loss_->reductions.end();
}

Array RecipeStep::loss_of(const LossRequest& request) const {
  const Location here = at(key_name(&MethodKeys::loss));
  const losses::LossOptions& terms = request.terms;
  if (!loss_->is_of_rows()) {
    if (!reduces_by(terms.reduction)) {
      const bool asks_weights = terms.reduction == Reduction::weighted_mean;
      const std::string key = reduction_key();
      throw TraceError("loss",
                       "'" + loss_->name + "' does not divide by the " +
                           (asks_weights ? "weights" : "number of rows"),
                       at(key), key + " = \"" + (asks_weights ? "batch_mean" : "weighted_mean") + "\"");
    }
    const Array loss = loss_->make(request);
    if (!loss.empty() && loss.rank() != 0)
      throw TraceError("loss",
                       "'" + loss_->name + "' takes parts of methods, so it gives one number, not " +
                           to_string(loss.type()),
                       here, "a loss without `takes` gives one number per row");
    return loss;
  }
  const Array& labels = request.batch.label;
  const auto rows_by = [&](const Array& slot) {
    LossRequest own = request;
    own.terms = {};
    own.batch.label = slot;
    Array rows = loss_->make(own);
    if (rows.empty() || rows.rank() != 1 || rows.shape() != labels.shape())
      throw TraceError("loss",
                       "'" + loss_->name + "' gives " +
                           (rows.empty() ? std::string("nothing") : to_string(rows.type())) +
                           ", not one number for each of the " + std::to_string(labels.shape()[0]) + " rows",
                       here,
                       "the step weighs the rows and takes their mean; a loss that does so itself says with "
                       "`takes` and `reductions` what it honours");
    return rows;
  };
  const Array rows = rows_by(labels);
  return losses::loss_of_rows(rows, terms.labels_b.empty() ? Array() : rows_by(terms.labels_b),
                              Operand(labels, here), terms);
}

/// Where a recipe says what the loss is divided by.
std::string RecipeStep::reduction_key() const {
  for (const UsedMethod& used : methods_)
    if (used.spec->part == Part::class_weights)
      if (std::string key = divisor_key(used.spec->name); part_.options.contains(key)) return key;
  return key_name(&MethodKeys::use);
}

Gradients RecipeStep::gradients(Step& step) {
  const Location here = at(key_name(&MethodKeys::use));
  LocationScope scope(here, LocationScope::Nesting::inner);
  const ClassStats classes = step.classes();
  losses::LossOptions shaped;
  shaped.valid = step.batch().valid;
  if (weighs_rows_) shaped.row_weights = step.batch().row_weight;
  for (const UsedMethod& used : methods_)
    run_user_code("method '" + used.spec->name + "'", here, [&] { used.method->shape_loss(step, shaped); });
  const MixedRows mixed = mix(step, shaped);
  const Array class_weights = shaped.class_weights ? shaped.class_weights->array() : Array();
  // Weights that a method brings for its own pass count as class weights do by default; a soft label has no one weight
  // to divide by, and of an ascent only the direction counts.
  const Reduction by_weights =
      shaped.mixed == losses::MixedLabels::soft || !reduces_by(Reduction::weighted_mean)
          ? Reduction::batch_mean
          : Reduction::weighted_mean;
  const auto reduction_by = [&](const Array& weights) {
    // Row weights alone are divided by likewise: the unit of their column, an amount of money say, is no rate.
    if (weights.empty() && !(weighs_rows_ && shaped.class_weights))
      return weighs_rows_ ? by_weights : Reduction::batch_mean;
    return !shaped.class_weights && !weights.empty() ? by_weights : shaped.reduction;
  };
  const LossOfWeights loss = [&](const Array& weights) {
    LossRequest request{step, {}, step.batch(), classes, part_.options, shaped};
    {
      LocationScope network(at(key_name(&ModelKeys::name)), LocationScope::Nesting::inner);
      request.logits = adjusted(mixed.partners.empty() ? net_.logits(step.batch(), step.context())
                                                       : net_.logits_of(mixed.inputs, step.context()),
                                step.context());
    }
    request.terms.reduction = reduction_by(weights);
    request.terms.class_weights = weights.empty() ? std::optional<Operand>() : Operand(weights);
    const Location line = loss_->name == MethodKeys().loss ? here : at(key_name(&MethodKeys::loss));
    LocationScope own(line, LocationScope::Nesting::inner);
    return run_user_code("loss '" + loss_->name + "'", line, [&] { return loss_of(request); });
  };
  const UsedMethod* by = nullptr;
  for (const UsedMethod& used : methods_)
    if (used.spec->part == Part::gradients) by = &used;
  Gradients made = by ? run_user_code("method '" + by->spec->name + "'", here,
                                      [&] { return by->method->gradients(step, loss, class_weights); })
                      : Method().gradients(step, loss, class_weights);
  // A mean by weights that are all 0 is none: the epoch's loss is that of the other steps.
  const std::string reported = "loss";
  if (weighs_rows_ && reduction_by(class_weights) == Reduction::weighted_mean && step.reports(reported))
    step.count_report(reported, where(sum(step.batch().row_weight) > 0.0, 1.0, 0.0));
  return made;
}

void RecipeStep::train(Step& step) {
  const std::vector<std::string> frozen = *part_.options.get_strings(key_name(&ModelKeys::freeze));
  if (!frozen.empty()) {
    LocationScope scope(at(key_name(&ModelKeys::freeze)), LocationScope::Nesting::inner);
    step.freeze(net_.module(), frozen);
  }
  const bool net_trains = trains(net_.module(), frozen);
  if (!net_trains && std::none_of(methods_.begin(), methods_.end(),
                                  [](const UsedMethod& used) { return used.method->module(); }))
    throw TraceError("model",
                     "nothing is left to train: model.freeze matches every parameter of '" +
                         *part_.options.get_string(key_name(&ModelKeys::name)) + "'",
                     at(key_name(&ModelKeys::freeze)), "leave the layers out that train");
  const Gradients step_gradients = gradients(step);
  LocationScope scope(at(key_name(&OptimizerKeys::name)), LocationScope::Nesting::inner);
  Array lr =
      step.control("lr", component_keys<OptimizerKeys>(part_.options).lr, key_name(&OptimizerKeys::lr));
  if (net_trains) step.update(net_.module(), optimizer_, step_gradients, lr);
  for (const UsedMethod& used : methods_)
    if (nn::Module* module = used.method->module()) step.update(*module, optimizer_, step_gradients, lr);
  for (const UsedMethod& used : methods_)
    used.method->after_update(step, net_.module());
}

} // namespace tailor::recipe
