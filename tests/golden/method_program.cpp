#include "tests/golden/method_program.h"

#include "tailor/tailor.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tailor::golden {
namespace {

data::Plan plan_for(const MethodRecording& recording, bool row_weights) {
  data::Schema schema;
  schema.num_classes = static_cast<int32_t>(recording.class_counts.size());
  for (int32_t k = 0; k < schema.num_classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  for (int32_t column = 0; column < recording.num_columns; ++column)
    schema.columns.push_back({.name = "x" + std::to_string(column), .position = column});
  if (row_weights)
    schema.columns.push_back({.name = "weight",
                              .position = static_cast<int32_t>(recording.num_columns),
                              .role = runtime::ColumnRole::kRowWeight});
  return data::Plan({}, schema);
}

/// logits * scale.weight [K].
class Scale final : public nn::Module {
public:
  explicit Scale(int64_t classes)
      : weight_({DType::f32, {classes}}, InitRule::ones(), State::Role::parameter, false) {
    add("weight", weight_);
  }
  Array operator()(const Array& logits) const { return logits * weight_.read(); }

private:
  nn::Tensor weight_;
};

/// What the stage leaves as it is: parameters that it does not train, and running statistics that it only reads.
std::vector<std::string> frozen_names(const MethodRun& run, const MethodStage& stage) {
  std::vector<std::string> names;
  std::vector<std::string> trained = stage.names("trains");
  for (const auto& [name, tensor] : run.parameters) {
    const bool trains = trained.empty() ? name != "scale.weight"
                                        : std::find(trained.begin(), trained.end(), name) != trained.end();
    if (!trains) names.push_back(name);
  }
  if (stage.word("backbone_bn") == "eval") names.insert(names.end(), {"bn?.running_mean", "bn?.running_var"});
  return names;
}

/// Rates and decays of their own. The recordings have one factor.
std::vector<optim::ParameterGroup> groups_of(const MethodStage& stage) {
  std::vector<optim::ParameterGroup> groups;
  if (const runtime::OptionValue* factors = stage.options.find("rate_factors")) {
    optim::ParameterGroup rate{.name = "rate", .match = {}};
    for (const auto& [name, factor] : *factors->as_table()) {
      rate.match.push_back(name);
      EXPECT_TRUE(!rate.lr_scale || *rate.lr_scale == number(factor));
      rate.lr_scale = number(factor);
    }
    groups.push_back(rate);
  }
  if (const std::vector<std::string> names = stage.names("no_decay"); !names.empty())
    groups.push_back({.name = "still", .match = names, .weight_decay = 0.0});
  return groups;
}

} // namespace

MethodNetwork::MethodNetwork(const MethodRecording& recording, const std::string& head)
    : fc0_(recording.num_columns, recording.widths[0]), fc1_(recording.widths[0], recording.widths[1]),
      bn0_(recording.widths[0]), bn1_(recording.widths[1]) {
  const auto classes = static_cast<int64_t>(recording.class_counts.size());
  if (head == "cosine")
    head_ = std::make_unique<nn::CosineLinear>(recording.widths[1], classes);
  else
    head_ = std::make_unique<nn::Linear>(recording.widths[1], classes);
  add("fc0", fc0_);
  add("bn0", bn0_);
  add("fc1", fc1_);
  add("bn1", bn1_);
  add("head", *head_);
  if (head == "scaled") add("scale", *(scale_ = std::make_unique<Scale>(classes)));
}

Array MethodNetwork::logits(const Array& x, const Context& context) {
  const Array hidden = relu(bn0_(fc0_(x, context), context));
  const Array logits = (*head_)(relu(bn1_(fc1_(hidden, context), context)), context);
  return scale_ ? (*static_cast<const Scale*>(scale_.get()))(logits) : logits;
}

MethodProgram::MethodProgram(const MethodRecording& recording, const MethodRun& run, std::size_t stage)
    : recording_(recording), method_(run.stages[stage]), network_(recording, run.stages.back().word("head")),
      sgd_({.momentum = recording.momentum,
            .weight_decay = recording.weight_decay,
            .groups = groups_of(run.stages[stage])}),
      program_("methods") {
  const std::vector<std::string> frozen = frozen_names(run, method_);
  program_.data(plan_for(recording, method_.has("row_weights")),
                {.batch = recording.batch, .eval_batch = recording.batch});
  program_.state("net", network_);
  program_.state("sgd", sgd_);
  program_.train_step([this, frozen](Step& step) {
    if (!frozen.empty()) step.freeze(network_, frozen);
    const LossAndGradients result = value_and_grad([&] { return loss(step); });
    step.report("loss", result.loss);
    step.update(network_, sgd_, result.gradients, step.control("lr", 0.1, "optimizer.lr"));
  });
  program_.eval_step(
      [this](Eval& eval) { eval.logits(network_.logits(eval.batch().numeric, eval.context())); });
}

Array MethodProgram::table(const ClassStats& classes, const std::string& name) const {
  if (name == "inv_max") return classes.inv_max();
  if (name == "effective") return classes.effective(recording_.beta);
  if (name == "own") return array({1, 2, 4, 8, 16}, {5});
  if (name == "ldam") return imbalance::ldam_margins(classes.counts(), recording_.largest_margin);
  if (name == "log_prior") return imbalance::log_prior(classes.counts());
  EXPECT_EQ(name, "one_minus_p");
  const auto num_classes = static_cast<double>(classes.num_classes());
  return recording_.eps * ((1.0 - classes.prior()) * (num_classes / (num_classes - 1)));
}

Array MethodProgram::loss(Step& step) {
  const ClassStats classes = step.classes();
  const Batch& batch = step.batch();
  losses::LossOptions options;
  options.focal_gamma = method_.number_of("gamma", 0);
  options.focal_of_weighted = method_.has("of_weighted");
  options.scale = method_.number_of("scale", 1);
  if (method_.word("reduction") == "weighted_mean") options.reduction = Reduction::weighted_mean;
  if (method_.has("weights")) options.class_weights = table(classes, method_.word("weights"));
  if (method_.word("smoothing") == "las_concave")
    options.smoothing = imbalance::class_smoothing(classes.counts(), recording_.las_head, "las_concave", 0.5,
                                                   recording_.las_tail);
  else if (method_.word("smoothing") == "uniform")
    options.smoothing = recording_.eps;
  else if (method_.has("smoothing"))
    options.smoothing = table(classes, method_.word("smoothing"));
  if (method_.has("margin")) options.margin = table(classes, method_.word("margin"));
  if (method_.has("bias")) options.bias = table(classes, method_.word("bias"));
  if (method_.has("drw")) { // row 0: all ones
    const Array row = step.control("table_row", schedule::step({.peak = 1, .milestones = {3}}));
    options.class_weights = 1.0 - row + row * table(classes, method_.word("drw"));
  }
  if (method_.has("mixup")) { // the loader's row numbers carry the partners' labels here
    options.labels_b = batch.index;
    options.lambda = broadcast_to(step.control("lambda", schedule::step({.peak = 1, .milestones = {3}})),
                                  {recording_.batch});
    if (method_.word("form") == "soft") options.mixed = losses::MixedLabels::soft;
  }
  if (method_.has("row_weights")) options.row_weights = batch.row_weight;
  return losses::softmax_cross_entropy(network_.logits(batch.numeric, step.context()), batch.label, options);
}

StepInputs step_inputs(const MethodRecording& recording, const MethodStage& method, size_t t) {
  StepInputs inputs;
  const std::vector<int64_t>& rows = method.rows[t];
  Tensor numeric(Element::f32, {recording.batch, recording.num_columns});
  Tensor weight(Element::f32, {recording.batch});
  Tensor label(Element::i32, {recording.batch}), index(Element::i32, {recording.batch});
  for (size_t n = 0; n < rows.size(); ++n) {
    label.integers()[n] = recording.labels[rows[n]];
    const int64_t partner = method.has("mixup") ? rows[method.partner[t][n]] : rows[n];
    const double own = method.has("mixup") ? method.lambda[t] : 1;
    index.integers()[n] = recording.labels[partner];
    for (int64_t c = 0; c < recording.num_columns; ++c)
      numeric.reals()[n * recording.num_columns + c] =
          own * recording.samples.reals()[rows[n] * recording.num_columns + c] +
          (1 - own) * recording.samples.reals()[partner * recording.num_columns + c];
    weight.reals()[n] = recording.row_weights[rows[n]];
  }
  inputs.batch.insert_or_assign("numeric", std::move(numeric));
  inputs.batch.insert_or_assign("label", std::move(label));
  inputs.batch.insert_or_assign("index", std::move(index));
  if (method.has("row_weights")) inputs.batch.insert_or_assign("row_weight", std::move(weight));
  inputs.control.insert_or_assign("lr", Tensor::scalar(method.lr[t]));
  inputs.control.insert_or_assign("valid", Tensor::integer({}, {static_cast<int64_t>(rows.size())}));
  inputs.control.insert_or_assign("step", Tensor::integer({}, {static_cast<int64_t>(t)}));
  if (method.has("mixup")) inputs.control.insert_or_assign("lambda", Tensor::scalar(method.lambda[t]));
  if (method.has("drw"))
    inputs.control.insert_or_assign("table_row", Tensor::scalar(static_cast<double>(method.table_row[t])));
  inputs.control.insert_or_assign("momentum", Tensor::scalar(recording.momentum));
  inputs.control.insert_or_assign("weight_decay", Tensor::scalar(recording.weight_decay));
  for (const optim::ParameterGroup& group : groups_of(method)) {
    const std::string field = "group_" + group.name;
    if (group.lr_scale) inputs.control.insert_or_assign(field + "_lr_scale", Tensor::scalar(*group.lr_scale));
    if (group.weight_decay)
      inputs.control.insert_or_assign(field + "_weight_decay", Tensor::scalar(*group.weight_decay));
  }
  inputs.control.insert_or_assign("slot", Tensor::integer({}, {0}));
  inputs.control.insert_or_assign("rng",
                                  Tensor::integer({4}, {1, 2, 3, static_cast<int64_t>(t) * recording.batch}));
  return inputs;
}

std::vector<std::pair<std::string, std::string>> recorded_runs() {
  std::vector<std::pair<std::string, std::string>> runs;
  for (const char* file : {"methods_losses", "methods_mixup", "methods_stages"})
    for (const auto& [name, run] : MethodRecording::load(file).runs)
      runs.emplace_back(file, name);
  return runs;
}

} // namespace tailor::golden
