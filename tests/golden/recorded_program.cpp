#include "tests/golden/recorded_program.h"

#include "frontend/imbalance/class_tables.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"

#include <utility>

namespace tailor::golden {

std::map<std::string, RecordedNetworkFactory>& recorded_networks() {
  static std::map<std::string, RecordedNetworkFactory> networks;
  return networks;
}

namespace {

class RecordedImages final : public RecordedNetwork {
public:
  explicit RecordedImages(std::unique_ptr<ImageNetwork> net) : net_(std::move(net)) {}
  nn::Module& module() override { return *net_; }
  Array logits(const Batch& batch, const Context& context) override { return (*net_)(batch.image, context); }

private:
  std::unique_ptr<ImageNetwork> net_;
};

} // namespace

void add_recorded_images(const std::string& name,
                         std::function<std::unique_ptr<ImageNetwork>(const Recording&)> make) {
  recorded_networks().emplace(name, [make = std::move(make)](const Recording& recording) {
    return std::make_unique<RecordedImages>(make(recording));
  });
}

namespace {

data::Plan plan_for(const Recording& recording) {
  data::Schema schema;
  schema.num_classes = static_cast<int32_t>(recording.class_counts.size());
  for (int32_t k = 0; k < schema.num_classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  if (recording.input.size() == 1) {
    for (int32_t column = 0; column < recording.input[0]; ++column)
      schema.columns.push_back({.name = "x" + std::to_string(column), .position = column});
  } else {
    schema.image_height = static_cast<int32_t>(recording.input[0]);
    schema.image_width = static_cast<int32_t>(recording.input[1]);
    schema.image_channels = static_cast<int32_t>(recording.input[2]);
  }
  return data::Plan({}, schema);
}

} // namespace

RecordedProgram::RecordedProgram(const std::string& net, const Recording& recording, const Run& run)
    : run_(run), network_(recorded_networks().at(net)(recording)),
      sgd_({.momentum = 0.9, .weight_decay = 2e-4, .nesterov = run.nesterov}),
      adamw_({.weight_decay = 0.05, .epsilon = recording.adam_eps}), ema_({.decay = 0.9}),
      program_("parity") {
  program_.data(plan_for(recording), {.batch = recording.batch, .eval_batch = recording.batch});
  program_.state("net", network_->module());
  if (run.adamw)
    program_.state("adamw", adamw_);
  else
    program_.state("sgd", sgd_);
  if (run.ema) program_.state("ema", ema_);

  program_.train_step([this](Step& step) {
    const ClassStats classes = step.classes();
    const Batch& batch = step.batch();
    const auto loss = [&](const std::string& kind) {
      losses::LossOptions options;
      options.valid = batch.valid;
      if (kind == "weighted_smoothing")
        options.smoothing = imbalance::class_smoothing(classes.counts(), 0.125, "one_minus_p");
      if (kind == "weighted_smoothing") options.class_weights = classes.inv_max();
      if (kind == "weighted_smoothing") options.reduction = Reduction::weighted_mean;
      return losses::softmax_cross_entropy(network_->logits(batch, step.context()), batch.label, options);
    };
    Array lr = step.control("lr", 0.1, "optimizer.lr");
    Gradients gradients;
    if (run_.ascent.empty()) {
      LossAndGradients result = value_and_grad([&] { return loss(run_.descent); });
      gradients = result.gradients;
      step.report("loss", result.loss);
    } else {
      Array rho = step.control("rho", run_.rho);
      SamOptions options;
      options.rho = rho;
      options.adaptive = run_.adaptive;
      SamResult result;
      if (run_.ascent == "weighted") { // SAM-A: one body, two tables
        options.ascent = classes.inv_max();
        options.descent = ones_like(options.ascent);
        result = sam(
            [&](const Array& table) {
              losses::LossOptions weighted;
              weighted.valid = batch.valid;
              weighted.class_weights = table;
              weighted.reduction = Reduction::weighted_mean;
              return losses::softmax_cross_entropy(network_->logits(batch, step.context()), batch.label,
                                                   weighted);
            },
            options);
      } else {
        result = sam([&] { return loss(run_.descent); }, options);
      }
      gradients = result.gradients;
      step.report("loss", result.loss);
      step.report("ascent_loss", result.ascent_loss);
    }
    if (run_.adamw)
      step.update(network_->module(), adamw_, gradients, lr);
    else
      step.update(network_->module(), sgd_, gradients, lr);
    if (run_.ema) step.update(ema_, network_->module());
  });
  program_.eval_step([this](Eval& eval) { eval.logits(network_->logits(eval.batch(), eval.context())); });
}

} // namespace tailor::golden
