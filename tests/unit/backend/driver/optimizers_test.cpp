// Parameter groups, frozen tensors and optimizers of a program's own, compiled for the cpu and trained.
#include "backend/driver/Driver.h"
#include "backend/driver/Executors.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/linear.h"
#include "frontend/ops/elementwise.h"
#include "frontend/optimizers/adamw.h"
#include "frontend/optimizers/sgd.h"
#include "frontend/program.h"
#include "runtime/artifact/reader.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/run.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <stdlib.h>

namespace tailor::backend {
namespace {

struct Body : nn::Module {
  nn::Linear fc{2, 20};
  nn::BatchNorm norm{20};
  Body() {
    add("fc", fc);
    add("norm", norm);
  }
  Array operator()(const Array& x, const Context& c) { return relu(norm(fc(x, c), c)); }
};
struct Net : nn::Module {
  Body body;
  nn::Linear head{20, 2};
  Net() {
    add("body", body);
    add("head", head);
  }
};

/// Two moons with SAM and an average; `train` makes the updates.
struct Moons {
  Net net;
  optim::Ema ema{{.decay = 0.9, .warmup = false}};
  TrainingProgram program{"moons"};

  Moons(const std::vector<std::pair<std::string, optim::Optimizer*>>& optimizers,
        const std::function<void(Moons&, Step&, const Gradients&, const Array& lr)>& train,
        const std::vector<std::string>& frozen = {}) {
    program.data(data::two_moons(), {.batch = 48, .eval_batch = 64});
    program.state("net", net);
    for (const auto& [name, optimizer] : optimizers)
      program.state(name, *optimizer);
    program.state("ema", ema);
    program.train_step([this, train, frozen](Step& s) {
      if (!frozen.empty()) s.freeze(net, frozen);
      SamResult result = sam(
          [&] {
            return losses::softmax_cross_entropy(logits(s.batch(), s.context()), s.batch().label,
                                                 {.valid = s.batch().valid});
          },
          {.rho = 0.05});
      train(*this, s, result.gradients, s.control("lr", 0.05));
      s.update(ema, net);
    });
    program.eval_step([this](Eval& e) { e.logits(logits(e.batch(), e.context())); });
  }
  Array logits(const Batch& batch, const Context& context) {
    return net.head(net.body(batch.numeric, context), context);
  }
};

using Tensors = std::map<std::string, std::vector<float>>;

class TrainedOptimizers : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "optimizers_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// The states after `steps` steps, those of optimizers left out; 0: as they start.
  Tensors train(const TrainingProgram& program, int64_t steps, const std::string& target = "cpu:native") {
    CompileOptions options;
    options.target = target;
    const auto compiled = compile(program, options);
    if (!compiled.ok()) return fail(compiled.status());
    auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
    if (!artifact.ok()) return fail(artifact.status());
    runtime::ExecutorOptions executorOptions;
    auto executor = makeExecutor(*artifact, executorOptions);
    if (!executor.ok()) return fail(executor.status());
    if (auto status = (*executor)->initialise(0, {}); !status.ok()) return fail(status);
    if (steps > 0) {
      runtime::RunOptions run;
      run.out = folder_ + "/" + std::to_string(++runs_);
      run.quiet = true;
      run.stop_after_steps = steps;
      run.make_executor = makeExecutor;
      if (auto result = runtime::run_training(*artifact, run); !result.ok()) return fail(result.status());
      auto checkpoint = runtime::load_checkpoint(**executor, run.out + "/seed-0/last.safetensors",
                                                 runtime::CheckpointUse::kResume);
      if (!checkpoint.ok()) return fail(checkpoint.status());
      EXPECT_EQ(checkpoint->record.step, steps);
      if (auto status = runtime::restore(**executor, *checkpoint); !status.ok()) return fail(status);
    }
    Tensors tensors;
    const runtime::ArtifactSpec& spec = (*artifact)->spec();
    for (size_t i = 0; i < spec.states.size(); ++i) {
      const runtime::State& state = spec.states[i];
      const runtime::StateGroup& group = spec.groups[size_t(state.group)];
      if (group.kind == runtime::GroupKind::kOptimizer || state.dtype != runtime::DType::kF32) continue;
      std::vector<float> values(state.bytes / sizeof(float));
      EXPECT_TRUE((*executor)->read_state(int32_t(i), std::as_writable_bytes(std::span(values))).ok());
      tensors[group.name + "." + state.name] = values;
    }
    return tensors;
  }

  static Tensors fail(const runtime::Status& status) {
    ADD_FAILURE() << status.message();
    return {};
  }

  static void expectSameBits(const Tensors& a, const Tensors& b, const std::string& prefix = "") {
    size_t compared = 0;
    for (const auto& [name, values] : a) {
      if (!name.starts_with(prefix)) continue;
      ASSERT_TRUE(b.contains(name)) << name;
      ++compared;
      ASSERT_EQ(values.size(), b.at(name).size()) << name;
      EXPECT_EQ(std::memcmp(values.data(), b.at(name).data(), values.size() * sizeof(float)), 0) << name;
    }
    EXPECT_GT(compared, 0u);
  }

  std::string folder_;
  int runs_ = 0;
};

TEST_F(TrainedOptimizers, GroupsHaveTheBitsOfOptimizersOfTheirOwn) {
  optim::Sgd grouped({.momentum = 0.9,
                      .weight_decay = 0.01,
                      .groups = {{.name = "head", .match = {"head.*"}, .lr_scale = 4, .weight_decay = 0.1}}});
  Moons one({{"sgd", &grouped}},
            [&](Moons& m, Step& s, const Gradients& g, const Array& lr) { s.update(m.net, grouped, g, lr); });
  optim::Sgd body({.momentum = 0.9, .weight_decay = 0.01}), head({.momentum = 0.9, .weight_decay = 0.1});
  Moons two({{"body", &body}, {"head", &head}}, [&](Moons& m, Step& s, const Gradients& g, const Array& lr) {
    s.update(m.net.body, body, g, lr);
    s.update(m.net.head, head, g, lr * 4.0);
  });
  const Tensors a = train(one.program, 25), b = train(two.program, 25), start = train(one.program, 0);
  expectSameBits(a, b);
  EXPECT_NE(a.at("net.head.weight"), start.at("net.head.weight"));
}

TEST_F(TrainedOptimizers, GroupsOfAdamWToo) {
  optim::AdamW grouped({.weight_decay = 0.05,
                        .decay_filter = optim::DecayFilter::no_norm_bias,
                        .groups = {{.name = "head", .match = {"head.*"}, .lr_scale = 0.5}}});
  Moons one({{"adamw", &grouped}},
            [&](Moons& m, Step& s, const Gradients& g, const Array& lr) { s.update(m.net, grouped, g, lr); });
  optim::AdamW body({.weight_decay = 0.05, .decay_filter = optim::DecayFilter::no_norm_bias}),
      head({.weight_decay = 0.05, .decay_filter = optim::DecayFilter::no_norm_bias});
  Moons two({{"body", &body}, {"head", &head}}, [&](Moons& m, Step& s, const Gradients& g, const Array& lr) {
    s.update(m.net.body, body, g, lr);
    s.update(m.net.head, head, g, lr * 0.5);
  });
  expectSameBits(train(one.program, 25), train(two.program, 25));
}

TEST_F(TrainedOptimizers, FrozenTensorsKeepTheirBits) {
  optim::Sgd sgd({.momentum = 0.9, .weight_decay = 0.1});
  Moons frozen({{"sgd", &sgd}},
               [&](Moons& m, Step& s, const Gradients& g, const Array& lr) { s.update(m.net, sgd, g, lr); },
               {"body.*"});
  const Tensors start = train(frozen.program, 0), end = train(frozen.program, 25);
  expectSameBits(start, end, "net.body.");
  expectSameBits(start, end, "net_batchnorm.body.");
  EXPECT_NE(start.at("net.head.weight"), end.at("net.head.weight"));
}

// Classifier re-training: the body of a run before, frozen, and a head of its own.
TEST_F(TrainedOptimizers, WeightsOfARunBeforeAreTheStartOfAnother) {
  optim::Sgd first({.momentum = 0.9});
  Moons before({{"sgd", &first}}, [&](Moons& m, Step& s, const Gradients& g, const Array& lr) {
    s.update(m.net, first, g, lr);
  });
  const Tensors trained = train(before.program, 10);
  optim::Sgd second;
  Moons after(
      {{"again", &second}},
      [&](Moons& m, Step& s, const Gradients& g, const Array& lr) { s.update(m.net.head, second, g, lr); },
      {"body.*"});
  after.program.options().set("model.weights.file", folder_ + "/1/seed-0/last.safetensors");
  after.program.options().set("model.weights.skip",
                              runtime::OptionValue::List{"head.*", "sgd/*", "ema/*", "ema_batchnorm/*"});
  const Tensors end = train(after.program, 5), start = train(after.program, 0);
  expectSameBits(trained, end, "net.body.");
  expectSameBits(trained, end, "net_batchnorm.body.");
  EXPECT_NE(end.at("net.body.fc.weight"), start.at("net.body.fc.weight"));
  EXPECT_NE(end.at("net.head.weight"), trained.at("net.head.weight"));
}

TEST_F(TrainedOptimizers, AMisspeltKeyOfTheWeightsIsRefused) {
  optim::Sgd sgd;
  Moons moons({{"sgd", &sgd}},
              [&](Moons& m, Step& s, const Gradients& g, const Array& lr) { s.update(m.net, sgd, g, lr); });
  moons.program.options().set("model.weights.fil", "w.safetensors");
  const auto compiled = compile(moons.program, {});
  ASSERT_FALSE(compiled.ok());
  EXPECT_NE(compiled.status().message().find("'model.weights.fil'"), std::string::npos)
      << compiled.status().message();
}

/// RMSprop (Tieleman and Hinton 2012): s = a s + (1 - a) g^2;  w -= lr g / (sqrt(s) + eps).
class RmsProp : public optim::Optimizer {
public:
  RmsProp() : Optimizer({}) {}
  std::string name() const override { return "rmsprop"; }
  void record(optim::Update& update) override {
    Array alpha = update.number("alpha", 0.99, 0, 1);
    std::vector<Array> s = update.read(squares_), w = update.weights();
    for (std::size_t i = 0; i < w.size(); ++i) {
      const Array& g = update.gradients()[i];
      s[i] = alpha * s[i] + (1.0 - alpha) * g * g;
      w[i] = w[i] - update.learning_rate(i) * g / (sqrt(s[i]) + 1e-8);
    }
    update.write(squares_, s);
    update.write_weights(w);
  }

private:
  optim::SlotGroup& squares_ = add_slots();
};

TEST_F(TrainedOptimizers, OneOfTheProgramsOwnIsTheSameOnCpuAndReference) {
  RmsProp own;
  Moons moons({{"own", &own}}, [&](Moons& m, Step& s, const Gradients& g, const Array& lr) {
    s.update(m.net, own, g, lr * 0.1);
  });
  const Tensors start = train(moons.program, 0), cpu = train(moons.program, 3),
                reference = train(moons.program, 3, "reference");
  for (const auto& [name, values] : reference)
    for (size_t i = 0; i < values.size(); ++i)
      // Batch norm takes the bias of the layer below away: its gradient is rounding, and g / sqrt(g^2) is its sign.
      if (!name.ends_with("fc.bias") && name.find("running_mean") == std::string::npos)
        EXPECT_NEAR(cpu.at(name)[i], values[i], 2e-4) << name << " " << i;
  EXPECT_NE(cpu.at("net.head.weight"), start.at("net.head.weight"));
}

} // namespace
} // namespace tailor::backend
