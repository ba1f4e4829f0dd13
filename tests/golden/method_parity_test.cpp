/// 20 free-running steps per imbalance method on the reference against PyTorch, both in f64, at relative 1e-8: the losses
/// of methods.md 2 with their class tables, deferred ones and mixed labels, written with the public C++ API.
///
/// Rows, partners and shares are the recording's. MixUp's inputs and second labels are mixed here, before the step: what
/// is compared is the loss and all that follows from it.
#include "frontend/emit/emit.h"
#include "frontend/imbalance/class_weights.h"
#include "frontend/imbalance/smoothing.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/linear.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/linear_algebra.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"
#include "frontend/program.h"
#include "passes/Pipelines.h"
#include "tests/golden/free_run.h"
#include "tests/golden/method_recording.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace tailor::golden {
namespace {

using backend::reference::Interpreter;
using passes::Phase;

/// What waits for a part of the API: groups of parameters, row weights, a soft target, several stages.
bool waits(const MethodRun& run) {
  const MethodStage& first = run.stages[0];
  return run.stages.size() > 1 || first.has("rate_factors") || first.has("row_weights") ||
         first.word("form") == "soft";
}

/// <x / |x|, W_k / |W_k|> (methods.md 2.4).
class CosineHead : public nn::Layer {
public:
  CosineHead(int64_t in, int64_t out)
      : weight_({DType::f32, {out, in}}, InitRule::uniform(1.0), State::Role::parameter, false) {
    add("weight", weight_);
  }
  Array operator()(const Operand& x, const Context&) override {
    return dot(l2_normalize(x, 1), l2_normalize(weight_.read(x.location()), 1),
               {.lhs_batch = {}, .rhs_batch = {}, .lhs_contracting = {1}, .rhs_contracting = {1}});
  }

private:
  nn::Tensor weight_;
};

class Network : public nn::Module {
public:
  Network(const MethodRecording& recording, bool cosine)
      : fc0_(recording.num_columns, recording.widths[0]), fc1_(recording.widths[0], recording.widths[1]),
        bn0_(recording.widths[0]), bn1_(recording.widths[1]) {
    const auto classes = static_cast<int64_t>(recording.class_counts.size());
    if (cosine)
      head_ = std::make_unique<CosineHead>(recording.widths[1], classes);
    else
      head_ = std::make_unique<nn::Linear>(recording.widths[1], classes);
    add("fc0", fc0_);
    add("bn0", bn0_);
    add("fc1", fc1_);
    add("bn1", bn1_);
    add("head", *head_);
  }
  Array logits(const Array& x, const Context& context) {
    const Array hidden = relu(bn0_(fc0_(x, context), context));
    return (*head_)(relu(bn1_(fc1_(hidden, context), context)), context);
  }

private:
  nn::Linear fc0_, fc1_;
  nn::BatchNorm bn0_, bn1_;
  std::unique_ptr<nn::Layer> head_;
};

data::Plan plan_for(const MethodRecording& recording) {
  data::Schema schema;
  schema.num_classes = static_cast<int32_t>(recording.class_counts.size());
  for (int32_t k = 0; k < schema.num_classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  for (int32_t column = 0; column < recording.num_columns; ++column)
    schema.columns.push_back({.name = "x" + std::to_string(column), .position = column});
  return data::Plan({}, schema);
}

/// What a user would write for a run of one stage.
class MethodProgram {
public:
  MethodProgram(const MethodRecording& recording, const MethodStage& method)
      : recording_(recording), method_(method), network_(recording, method.word("head") == "cosine"),
        sgd_({.momentum = recording.momentum, .weight_decay = recording.weight_decay}), program_("methods") {
    program_.data(plan_for(recording), {.batch = recording.batch, .eval_batch = recording.batch});
    program_.state("net", network_);
    program_.state("sgd", sgd_);
    program_.train_step([this](Step& step) {
      const LossAndGradients result = value_and_grad([&] { return loss(step); });
      step.report("loss", result.loss);
      step.update(network_, sgd_, result.gradients, step.control("lr", 0.1, "optimizer.lr"));
    });
    program_.eval_step(
        [this](Eval& eval) { eval.logits(network_.logits(eval.batch().numeric, eval.context())); });
  }
  MethodProgram(const MethodProgram&) = delete;
  MethodProgram& operator=(const MethodProgram&) = delete;

  const TrainingProgram& program() const { return program_; }

private:
  Array table(const ClassStats& classes, const std::string& name) {
    if (name == "inv_max") return classes.inv_max();
    if (name == "effective") return classes.effective(recording_.beta);
    if (name == "own") return array({1, 2, 4, 8, 16}, {5});
    if (name == "ldam") return imbalance::ldam_margins(classes.counts(), recording_.largest_margin);
    if (name == "log_prior") return imbalance::log_prior(classes.counts());
    EXPECT_TRUE(name == "uniform" || name == "one_minus_p") << name;
    return imbalance::class_smoothing(classes.counts(), recording_.eps,
                                      imbalance::smoothing_profile_from_name(name));
  }

  Array loss(Step& step) {
    const ClassStats classes = step.classes();
    const Batch& batch = step.batch();
    losses::LossOptions options;
    options.focal_gamma = method_.number_of("gamma", 0);
    options.focal_of_weighted = method_.has("of_weighted");
    options.scale = method_.number_of("scale", 1);
    if (method_.word("reduction") == "weighted_mean") options.reduction = Reduction::weighted_mean;
    if (method_.has("weights")) options.class_weights = table(classes, method_.word("weights"));
    if (method_.has("smoothing")) options.smoothing = table(classes, method_.word("smoothing"));
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
    }
    return losses::softmax_cross_entropy(network_.logits(batch.numeric, step.context()), batch.label,
                                         options);
  }

  const MethodRecording& recording_;
  const MethodStage& method_;
  Network network_;
  optim::Sgd sgd_;
  TrainingProgram program_;
};

/// The inputs of step `t`; rows behind the last are zero.
void set_batch(Environment& environment, const MethodRecording& recording, const MethodStage& method,
               size_t t) {
  const std::vector<int64_t>& rows = method.rows[t];
  Tensor numeric(Element::f32, {recording.batch, recording.num_columns});
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
  }
  environment.inputs.insert_or_assign("numeric", std::move(numeric));
  environment.inputs.insert_or_assign("label", std::move(label));
  environment.inputs.insert_or_assign("index", std::move(index));
  environment.control.insert_or_assign("lr", Tensor::scalar(method.lr[t]));
  environment.control.insert_or_assign("valid", Tensor::integer({}, {static_cast<int64_t>(rows.size())}));
  environment.control.insert_or_assign("step", Tensor::integer({}, {static_cast<int64_t>(t)}));
  if (method.has("mixup")) environment.control.insert_or_assign("lambda", Tensor::scalar(method.lambda[t]));
  if (method.has("drw"))
    environment.control.insert_or_assign("table_row",
                                         Tensor::scalar(static_cast<double>(method.table_row[t])));
}

/// Norm and sum over all parameters together.
std::pair<double, double> norm_and_sum(ir::ProgramOp program, const Environment& environment) {
  double squares = 0, sum = 0;
  program.walk([&](ir::StateOp state) {
    if (state.getGroup().getKind() != ir::GroupKind::Net) return;
    for (double x :
         environment.state.at(backend::reference::stateKey(state.getGroup().getSymName(), state.getSymName()))
             .reals()) {
      squares += x * x;
      sum += x;
    }
  });
  return {std::sqrt(squares), sum};
}

struct MethodCase {
  std::string file, run;
  Phase phase;
};

std::string name_of(const MethodCase& c) {
  return c.run + "_" + passes::stringifyPhase(c.phase).str();
}
void PrintTo(const MethodCase& c, std::ostream* out) {
  *out << name_of(c);
}

class MethodParity : public testing::TestWithParam<MethodCase> {};

TEST_P(MethodParity, TwentyStepsOfPyTorch) {
  const auto& [file, name, phase] = GetParam();
  const MethodRecording recording = MethodRecording::load(file);
  ASSERT_TRUE(recording.runs.contains(name));
  const MethodRun& run = recording.runs.at(name);
  const MethodStage& method = run.stages[0];

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  const MethodProgram written(recording, method);
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(written.program().trace(), context);
  ASSERT_TRUE(module);
  passes::PipelineOptions pipeline;
  pipeline.stopAfter = phase;
  ASSERT_TRUE(succeeded(passes::runPipeline(*module, pipeline)));

  ir::ProgramOp program = *module->getOps<ir::ProgramOp>().begin();
  Environment environment = initial_environment(program, run.parameters, recording.class_counts);
  environment.control.insert_or_assign("momentum", Tensor::scalar(recording.momentum));
  environment.control.insert_or_assign("weight_decay", Tensor::scalar(recording.weight_decay));
  environment.control.insert_or_assign("rng", Tensor::integer({4}, {1, 2, 3, 4}));

  Interpreter interpreter(program);
  ir::EntryOp train;
  for (ir::EntryOp entry : program.getOps<ir::EntryOp>()) {
    if (entry.getKind() == ir::EntryKind::Fit) ASSERT_TRUE(succeeded(interpreter.run(entry, environment)));
    if (entry.getKind() == ir::EntryKind::Step) train = entry;
  }
  ASSERT_TRUE(train);
  ASSERT_EQ(run.loss.size(), 20u);
  for (size_t t = 0; t < run.loss.size(); ++t) {
    set_batch(environment, recording, method, t);
    ASSERT_TRUE(succeeded(interpreter.run(train, environment))) << "step " << t;
    const std::string at = " of step " + std::to_string(t);
    expect_close(environment.reports.at("loss").reals()[0], run.loss[t], 0, "loss" + at);
    const auto [norm, sum] = norm_and_sum(program, environment);
    expect_close(norm, run.norm[t], 0, "norm" + at);
    expect_close(sum, run.sum[t], run.norm[t], "sum" + at);
    ASSERT_FALSE(HasFailure()) << "the first wrong step";
  }
  compare_final(program, environment, run.final);
}

/// Every run that a program can be written for, as it is first interpretable and as it is planned.
std::vector<MethodCase> method_cases() {
  std::vector<MethodCase> cases;
  for (const char* file : {"methods_losses", "methods_mixup", "methods_stages"})
    for (const auto& [name, run] : MethodRecording::load(file).runs)
      if (!waits(run))
        for (Phase phase : {Phase::differentiated, Phase::fused, Phase::planned})
          cases.push_back({file, name, phase});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, MethodParity, testing::ValuesIn(method_cases()),
                         [](const auto& info) { return name_of(info.param); });

/// So that nobody takes what waits for what is compared.
TEST(MethodParityCases, CoverTheLosses) {
  EXPECT_EQ(method_cases().size(), 3u * (13 + 8));
}

} // namespace
} // namespace tailor::golden
