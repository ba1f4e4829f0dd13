/// Optimizers on the reference in f64 against formulas written out here, at every phase of the pipeline: one of a
/// program's own, parameter groups, frozen tensors.
#include "backend/reference/Evaluators.h"
#include "backend/reference/Interpreter.h"
#include "frontend/emit/emit.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/nn/linear.h"
#include "frontend/ops/elementwise.h"
#include "frontend/optimizers/adamw.h"
#include "frontend/optimizers/sgd.h"
#include "frontend/program.h"
#include "ir/Tailor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Pipelines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace tailor::golden {
namespace {

using backend::reference::Element;
using backend::reference::Environment;
using backend::reference::Interpreter;
using backend::reference::stateKey;
using backend::reference::Tensor;
using passes::Phase;

constexpr int kRows = 4, kColumns = 3, kClasses = 2, kSteps = 20;
// Both sides are f64; the sums of a softmax are taken in another order.
constexpr double kTolerance = 1e-12;

/// Lion (Chen et al. 2023): w -= lr (sign(b1 m + (1 - b1) g) + decay w);  m = b2 m + (1 - b2) g.
class Lion : public optim::Optimizer {
public:
  explicit Lion(optim::CommonOptions common) : Optimizer(std::move(common)) {}
  std::string name() const override { return "lion"; }
  void record(optim::Update& update) override {
    Array beta1 = update.number("beta1", 0.9, 0, 1), beta2 = update.number("beta2", 0.99, 0, 1);
    std::vector<Array> m = update.read(momenta_), w = update.weights();
    for (std::size_t i = 0; i < w.size(); ++i) {
      const Array& g = update.gradients()[i];
      const Array direction = sign(beta1 * m[i] + (1.0 - beta1) * g) + update.weight_decay(i) * w[i];
      w[i] = w[i] - update.learning_rate(i) * direction;
      m[i] = beta2 * m[i] + (1.0 - beta2) * g;
    }
    update.write(momenta_, m);
    update.write_weights(w);
  }

private:
  optim::SlotGroup& momenta_ = add_slots();
};

struct Program {
  nn::Linear net{kColumns, kClasses};
  optim::Optimizer& optimizer;
  TrainingProgram program{"linear"};

  explicit Program(optim::Optimizer& optimizer, const std::vector<std::string>& frozen = {})
      : optimizer(optimizer) {
    data::Schema schema;
    schema.num_classes = kClasses;
    schema.class_names = {"0", "1"};
    for (int column = 0; column < kColumns; ++column)
      schema.columns.push_back({.name = "x" + std::to_string(column), .position = column});
    program.data(data::Plan({}, schema), {.batch = kRows, .eval_batch = kRows});
    program.state("net", net);
    program.state("opt", optimizer);
    program.train_step([this, frozen](Step& s) {
      if (!frozen.empty()) s.freeze(net, frozen);
      auto g = value_and_grad([&] {
        return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label,
                                             {.valid = s.batch().valid});
      });
      s.update(net, this->optimizer, g.gradients, s.control("lr", 0.1));
    });
    program.eval_step([this](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

double input(int step, int row, int column) {
  return std::sin(1.0 + 7 * step + 3 * row + 1.7 * column);
}
int label(int step, int row) {
  return (step * 5 + row * 3) % 4 == 0 ? 1 : 0;
}
/// Rows that count: one step has none, one fewer than the batch.
int valid(int step) {
  return step == 3 ? 0 : step == 7 ? 2 : kRows;
}
double rate(int step) {
  return 0.05 / (1 + 0.1 * step);
}

/// Weights [classes, columns], then biases [classes].
using Parameters = std::vector<double>;
constexpr int kWeights = kClasses * kColumns, kAll = kWeights + kClasses;

Parameters initial() {
  Parameters w(kAll);
  for (int i = 0; i < kAll; ++i)
    w[i] = 0.3 * std::cos(2.0 + i);
  return w;
}

/// Of the mean cross-entropy over the valid rows.
Parameters gradient(const Parameters& w, int step) {
  Parameters g(kAll, 0);
  for (int row = 0; row < valid(step); ++row) {
    double z[kClasses], sum = 0;
    for (int k = 0; k < kClasses; ++k) {
      z[k] = w[kWeights + k];
      for (int c = 0; c < kColumns; ++c)
        z[k] += w[k * kColumns + c] * input(step, row, c);
      sum += std::exp(z[k]);
    }
    for (int k = 0; k < kClasses; ++k) {
      const double d = (std::exp(z[k]) / sum - (label(step, row) == k)) / valid(step);
      for (int c = 0; c < kColumns; ++c)
        g[k * kColumns + c] += d * input(step, row, c);
      g[kWeights + k] += d;
    }
  }
  return g;
}

using Controls = std::map<std::string, double>;

/// The parameters after each step of the traced program, compiled up to `phase`.
std::vector<Parameters> trained(const TrainingProgram& program, const Controls& controls, Phase phase) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(program, context);
  passes::PipelineOptions pipeline;
  pipeline.stopAfter = phase;
  if (!module || failed(passes::runPipeline(*module, pipeline))) {
    ADD_FAILURE() << "does not compile";
    return {};
  }
  ir::ProgramOp top = *module->getOps<ir::ProgramOp>().begin();
  Environment environment;
  top.walk([&](ir::StateOp state) {
    environment.state.insert_or_assign(stateKey(state.getGroup().getSymName(), state.getSymName()),
                                       backend::reference::zerosOf(state.getTensorType()));
  });
  const Parameters start = initial();
  Tensor &weight = environment.state["net::weight"], &bias = environment.state["net::bias"];
  for (int i = 0; i < kAll; ++i)
    (i < kWeights ? weight.reals()[i] : bias.reals()[i - kWeights]) = start[i];
  for (const auto& [name, value] : controls)
    environment.control.insert_or_assign(name, Tensor::scalar(value));
  environment.control.insert_or_assign("rng", Tensor::integer({4}, {1, 2, 3, 4}));
  ir::EntryOp train;
  for (ir::EntryOp entry : top.getOps<ir::EntryOp>())
    if (entry.getKind() == ir::EntryKind::Step) train = entry;

  Interpreter interpreter(top);
  std::vector<Parameters> steps;
  for (int step = 0; step < kSteps; ++step) {
    std::vector<double> x;
    std::vector<int64_t> y;
    for (int row = 0; row < kRows; ++row) {
      for (int c = 0; c < kColumns; ++c)
        x.push_back(input(step, row, c));
      y.push_back(label(step, row));
    }
    environment.control.insert_or_assign("lr", Tensor::scalar(rate(step)));
    environment.control.insert_or_assign("valid", Tensor::integer({}, {valid(step)}));
    environment.control.insert_or_assign("step", Tensor::integer({}, {step}));
    environment.inputs.insert_or_assign("numeric", Tensor::real({kRows, kColumns}, x));
    environment.inputs.insert_or_assign("label", Tensor::integer({kRows}, y));
    environment.inputs.insert_or_assign("index", Tensor(Element::i32, {kRows}));
    if (failed(interpreter.run(train, environment))) {
      ADD_FAILURE() << "does not run";
      return {};
    }
    Parameters now;
    for (const char* key : {"net::weight", "net::bias"})
      for (double value : environment.state.at(key).reals())
        now.push_back(value);
    steps.push_back(now);
  }
  return steps;
}

class Optimizers : public testing::TestWithParam<Phase> {
protected:
  /// `move(w, g, step)` is the update written out; not called for a step without rows.
  void expect(const TrainingProgram& program, const Controls& controls,
              const std::function<void(Parameters&, const Parameters&, int)>& move) {
    const std::vector<Parameters> steps = trained(program, controls, GetParam());
    ASSERT_EQ(steps.size(), size_t(kSteps));
    Parameters w = initial();
    for (int step = 0; step < kSteps; ++step) {
      if (valid(step) > 0) move(w, gradient(w, step), step);
      for (int i = 0; i < kAll; ++i)
        ASSERT_NEAR(steps[step][i], w[i], kTolerance) << "step " << step << ", parameter " << i;
    }
  }
};

TEST_P(Optimizers, OneOfTheProgramsOwnIsItsFormula) {
  Lion lion({.weight_decay = 0.1,
             .decay_filter = optim::DecayFilter::no_norm_bias,
             .groups = {{.name = "fast", .match = {"bias"}, .lr_scale = 3}}});
  Parameters m(kAll, 0);
  expect(Program(lion).program,
         {{"beta1", 0.9}, {"beta2", 0.99}, {"weight_decay", 0.1}, {"group_fast_lr_scale", 3}},
         [&](Parameters& w, const Parameters& g, int step) {
           for (int i = 0; i < kAll; ++i) {
             const double c = 0.9 * m[i] + 0.1 * g[i], decay = i < kWeights ? 0.1 : 0;
             w[i] -= rate(step) * (i < kWeights ? 1 : 3) * ((c > 0) - (c < 0) + decay * w[i]);
             m[i] = 0.99 * m[i] + 0.01 * g[i];
           }
         });
}

TEST_P(Optimizers, GroupsOfSgdHaveTheirOwnRateAndDecay) {
  optim::Sgd sgd({.momentum = 0.9,
                  .weight_decay = 0.2,
                  .groups = {{.name = "fast", .match = {"weight"}, .lr_scale = 4},
                             {.name = "slow", .match = {"bias"}, .lr_scale = 0.5, .weight_decay = 0.01}}});
  Parameters v(kAll, 0);
  expect(Program(sgd).program,
         {{"momentum", 0.9},
          {"weight_decay", 0.2},
          {"group_fast_lr_scale", 4},
          {"group_slow_lr_scale", 0.5},
          {"group_slow_weight_decay", 0.01}},
         [&](Parameters& w, const Parameters& g, int step) {
           for (int i = 0; i < kAll; ++i) {
             v[i] = 0.9 * v[i] + g[i] + (i < kWeights ? 0.2 : 0.01) * w[i];
             w[i] -= rate(step) * (i < kWeights ? 4 : 0.5) * v[i];
           }
         });
}

TEST_P(Optimizers, GroupsOfAdamWHaveTheirOwnRateAndDecay) {
  optim::AdamW adamw({.weight_decay = 0.2,
                      .groups = {{.name = "bias", .match = {"bias"}, .lr_scale = 2, .weight_decay = 0}}});
  Parameters m(kAll, 0), s(kAll, 0);
  expect(Program(adamw).program,
         {{"beta1", 0.9},
          {"beta2", 0.999},
          {"adam_eps", 1e-8},
          {"weight_decay", 0.2},
          {"group_bias_lr_scale", 2},
          {"group_bias_weight_decay", 0}},
         [&](Parameters& w, const Parameters& g, int step) {
           for (int i = 0; i < kAll; ++i) {
             const double lr = rate(step) * (i < kWeights ? 1 : 2), decay = i < kWeights ? 0.2 : 0;
             m[i] = 0.9 * m[i] + 0.1 * g[i];
             s[i] = 0.999 * s[i] + 0.001 * g[i] * g[i];
             const double mean = m[i] / (1 - std::pow(0.9, step + 1)),
                          square = s[i] / (1 - std::pow(0.999, step + 1));
             w[i] = w[i] * (1 - lr * decay) - lr * mean / (std::sqrt(square) + 1e-8);
           }
         });
}

TEST_P(Optimizers, WhatIsFrozenStays) {
  optim::Sgd sgd({.weight_decay = 0.2});
  expect(Program(sgd, {"weight"}).program, {{"weight_decay", 0.2}},
         [](Parameters& w, const Parameters& g, int step) {
           for (int i = kWeights; i < kAll; ++i)
             w[i] -= rate(step) * (g[i] + 0.2 * w[i]);
         });
}

std::vector<Phase> phases() {
  std::vector<Phase> all;
  for (Phase phase : passes::allPhases())
    if (phase != Phase::traced) all.push_back(phase);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Phases, Optimizers, testing::ValuesIn(phases()),
                         [](const auto& info) { return passes::stringifyPhase(info.param).str(); });

} // namespace
} // namespace tailor::golden
