/// A hand-made artifact with two stages and two networks, through the training loop on the reference.
///
/// Stage `teach` trains @teacher on the labels; stage `distill` leaves it alone and trains @net on the
/// teacher's probabilities only. So @net can beat chance only if both stages ran, in this order, on the same
/// state.
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/artifact/stage_options.h"
#include "runtime/artifact/writer.h"
#include "runtime/base/file.h"
#include "runtime/data/open.h"
#include "runtime/train/run.h"
#include "tests/conformance/test_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace tailor::conformance {
namespace {

using namespace runtime;
using backend::reference::ReferenceExecutor;

constexpr std::int64_t kBatch = 16, kFeatures = 2, kClasses = 3;

/// Both networks are linear; the gradients are written out, so the text needs no pass.
constexpr const char* kProgram = R"mlir(
tailor.program @two_stages {
  tailor.state_group @teacher kind(generator) trainable {
    tailor.state @"weight" : tensor<2x3xf32> init(normal(0.5))
    tailor.state @"bias" : tensor<3xf32> init(zeros)
  }
  tailor.state_group @net kind(net) trainable {
    tailor.state @"weight" : tensor<2x3xf32> init(normal(0.5))
    tailor.state @"bias" : tensor<3xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
    tailor.control_field @slot : tensor<i32> writer(host)
    tailor.control_field @lr : tensor<f32> writer(host)
  }
  tailor.body @logits(%w: tensor<2x3xf32>, %b: tensor<3xf32>, %x: tensor<16x2xf32>) -> tensor<16x3xf32> {
    %product = tailor.dot %x, %w contract([1] x [0]) : (tensor<16x2xf32>, tensor<2x3xf32>) -> tensor<16x3xf32>
    %rows = tailor.broadcast %b dims([1]) : tensor<3xf32> to tensor<16x3xf32>
    %z = tailor.add %product, %rows : tensor<16x3xf32>
    tailor.return %z : tensor<16x3xf32>
  }
  tailor.entry @teach_step kind(step) batch(16) {
    %w = tailor.load @teacher::@"weight" : tensor<2x3xf32>
    %b = tailor.load @teacher::@"bias" : tensor<3xf32>
    %x = tailor.input "numeric" : tensor<16x2xf32>
    %y = tailor.input "label" : tensor<16xi32>
    %valid = tailor.control_read @valid : tensor<i32>
    %lr = tailor.control_read @lr : tensor<f32>
    %one = tailor.constant dense<1.0> : tensor<f32>
    %zero = tailor.constant dense<0.0> : tensor<f32>
    %z = tailor.call @logits(%w, %b, %x) : (tensor<2x3xf32>, tensor<3xf32>, tensor<16x2xf32>) -> tensor<16x3xf32>
    %loss, %dz = tailor.softmax_cross_entropy_with_grad %one, %z, %y : tensor<16xi32> valid(%valid : tensor<i32>)
      reduction(batch_mean) : (tensor<f32>, tensor<16x3xf32>) -> (tensor<f32>, tensor<16x3xf32>)
    %dw = tailor.dot %x, %dz contract([0] x [0]) : (tensor<16x2xf32>, tensor<16x3xf32>) -> tensor<2x3xf32>
    %db = tailor.reduce_sum %dz dims([0]) : tensor<16x3xf32> to tensor<3xf32>
    %w_new, %b_new = tailor.sgd_update params(%w, %b) grads(%dw, %db) lr(%lr) weight_decay(%zero) decayed([true, true])
      : (tensor<2x3xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>)
      -> (tensor<2x3xf32>, tensor<3xf32>)
    tailor.store %w_new, @teacher::@"weight" : tensor<2x3xf32>
    tailor.store %b_new, @teacher::@"bias" : tensor<3xf32>
    tailor.report "loss", %loss : tensor<f32>
    tailor.yield
  }
  tailor.entry @distill_step kind(step) batch(16) {
    %tw = tailor.load @teacher::@"weight" : tensor<2x3xf32>
    %tb = tailor.load @teacher::@"bias" : tensor<3xf32>
    %w = tailor.load @net::@"weight" : tensor<2x3xf32>
    %b = tailor.load @net::@"bias" : tensor<3xf32>
    %x = tailor.input "numeric" : tensor<16x2xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %lr = tailor.control_read @lr : tensor<f32>
    %one = tailor.constant dense<1.0> : tensor<f32>
    %zero = tailor.constant dense<0.0> : tensor<f32>
    %tz = tailor.call @logits(%tw, %tb, %x) : (tensor<2x3xf32>, tensor<3xf32>, tensor<16x2xf32>) -> tensor<16x3xf32>
    %q = tailor.softmax %tz dim(1) : tensor<16x3xf32>
    %z = tailor.call @logits(%w, %b, %x) : (tensor<2x3xf32>, tensor<3xf32>, tensor<16x2xf32>) -> tensor<16x3xf32>
    %loss, %dz = tailor.softmax_cross_entropy_with_grad %one, %z soft(%q : tensor<16x3xf32>) valid(%valid : tensor<i32>)
      reduction(batch_mean) : (tensor<f32>, tensor<16x3xf32>) -> (tensor<f32>, tensor<16x3xf32>)
    %dw = tailor.dot %x, %dz contract([0] x [0]) : (tensor<16x2xf32>, tensor<16x3xf32>) -> tensor<2x3xf32>
    %db = tailor.reduce_sum %dz dims([0]) : tensor<16x3xf32> to tensor<3xf32>
    %w_new, %b_new = tailor.sgd_update params(%w, %b) grads(%dw, %db) lr(%lr) weight_decay(%zero) decayed([true, true])
      : (tensor<2x3xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>)
      -> (tensor<2x3xf32>, tensor<3xf32>)
    tailor.store %w_new, @net::@"weight" : tensor<2x3xf32>
    tailor.store %b_new, @net::@"bias" : tensor<3xf32>
    tailor.report "loss", %loss : tensor<f32>
    tailor.yield
  }
  tailor.entry @eval_step kind(eval) batch(16) {
    %w = tailor.load @net::@"weight" : tensor<2x3xf32>
    %b = tailor.load @net::@"bias" : tensor<3xf32>
    %x = tailor.input "numeric" : tensor<16x2xf32>
    %z = tailor.call @logits(%w, %b, %x) : (tensor<2x3xf32>, tensor<3xf32>, tensor<16x2xf32>) -> tensor<16x3xf32>
    tailor.output "logits", %z : tensor<16x3xf32>
    tailor.yield
  }
}
)mlir";

/// What the compiler would write for kProgram: states 0, 1 of the teacher, 2, 3 of the net.
ArtifactSpec specOf(std::int64_t teachEpochs, std::int64_t distillEpochs) {
  ArtifactSpec spec;
  spec.name = "two_stages";
  spec.producer = "by hand";
  spec.target = {"reference", "f64", {}};
  spec.options.set("data.format", "blobs");
  spec.options.set("data.numeric", "none");
  spec.options.set("data.classes", OptionValue(static_cast<int>(kClasses)));
  spec.options.set("data.dimensions", OptionValue(static_cast<int>(kFeatures)));
  spec.options.set("data.samples_per_class", OptionValue(50));
  spec.options.set("data.test_per_class", OptionValue(50));
  spec.options.set("data.noise", OptionValue(0.5));
  spec.options.set("optimizer.lr", OptionValue(0.5));
  spec.options.set("run.epochs", OptionValue(1));
  const auto plan = data_plan_from(spec.options, "");
  const auto schema = plan.ok() ? schema_of(*plan) : Result<DataSchema>(plan.status());
  if (!schema.ok()) ADD_FAILURE() << schema.status().message();
  if (schema.ok()) spec.schema = *schema;

  spec.groups = {{"teacher", GroupKind::kGenerator, true}, {"net", GroupKind::kNet, true}};
  for (std::int32_t group : {0, 1}) {
    const std::uint64_t base = static_cast<std::uint64_t>(group) * 128;
    spec.states.push_back(
        {"weight", group, DType::kF32, {2, 3}, base, 24, {InitKind::kNormal, 0.5, -1}, true});
    spec.states.push_back({"bias", group, DType::kF32, {3}, base + 64, 12, {InitKind::kZeros, 0, -1}, true});
  }
  spec.control = {
      {"valid", DType::kI32, 1, 0, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"slot", DType::kI32, 1, 4, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"lr", DType::kF32, 1, 8, FieldWriter::kHost, FieldBinding::kSchedule, "optimizer.lr", 0, "schedule"}};
  spec.metrics = {{"loss", DType::kF32, 1, 0}};
  spec.memory = {.state = 256, .arena = 256, .control = 64, .control_host = 64, .metrics = 64, .slot = 192};

  Variant variant;
  variant.batch = kBatch;
  variant.slot_fields = {{"numeric", DType::kF32, {kBatch, kFeatures}, 0, 128},
                         {"label", DType::kI32, {kBatch}, 128, 64}};
  Variant teach = variant, distill = variant, eval = variant;
  teach.metrics = distill.metrics = {0};
  teach.symbol = "teach_step";
  distill.symbol = "distill_step";
  eval.symbol = "eval_step";
  eval.outputs = {{"logits",
                   DType::kF32,
                   {kBatch, kClasses},
                   {Space::kArena, Access::kRead, DType::kF32, 0, -1, 0, kBatch * kClasses * 4, 0}}};
  spec.entries = {{"teach_step", EntryKind::kStep, {teach}},
                  {"distill_step", EntryKind::kStep, {distill}},
                  {"eval_step", EntryKind::kEval, {eval}}};
  for (std::int32_t index : {0, 1}) {
    Stage stage;
    stage.name = index == 0 ? "teach" : "distill";
    stage.step_entry = index;
    stage.eval_entry = 2;
    spec.options.set(stage_key(stage.name, "run.epochs"),
                     OptionValue(static_cast<int>(index == 0 ? teachEpochs : distillEpochs)));
    spec.stages.push_back(stage);
  }
  return spec;
}

std::shared_ptr<const Artifact> artifactOf(const ArtifactSpec& spec,
                                           const std::string& phase = "differentiated",
                                           std::string text = kProgram) {
  RawSection ir{concat(kIrSectionPrefix, phase), {}};
  for (char c : text)
    ir.bytes.push_back(static_cast<std::byte>(c));
  auto bytes = write_artifact(spec, {ir});
  if (!bytes.ok()) {
    ADD_FAILURE() << bytes.status().message();
    return nullptr;
  }
  auto artifact = Artifact::from_bytes(std::move(*bytes));
  if (!artifact.ok()) {
    ADD_FAILURE() << artifact.status().message();
    return nullptr;
  }
  return std::move(*artifact);
}

class TwoStages : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "two_stages_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::optional<RunResult> train(std::int64_t teachEpochs, std::int64_t distillEpochs) {
    const std::shared_ptr<const Artifact> artifact = artifactOf(specOf(teachEpochs, distillEpochs));
    if (!artifact) return std::nullopt;
    RunOptions options;
    options.out = folder_ + "/" + std::to_string(++runs_);
    options.quiet = true;
    options.make_executor = [&](std::shared_ptr<const Artifact> of,
                                const ExecutorOptions& executorOptions) -> Result<std::unique_ptr<Executor>> {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(auto executor, ReferenceExecutor::create(std::move(of), executorOptions));
      return std::unique_ptr<Executor>(std::move(executor));
    };
    auto result = run_training(artifact, options);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? std::optional(std::move(*result)) : std::nullopt;
  }

  static double testAccuracy(const RunResult& result) {
    for (const auto& [name, value] : result.seeds.at(0).test)
      if (name == "accuracy") return value.value_or(-1);
    return -1;
  }

  std::string folder_;
  int runs_ = 0;
};

TEST_F(TwoStages, TheSecondStageLearnsFromWhatTheFirstTrained) {
  const std::optional<RunResult> result = train(6, 6);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->seeds.at(0).outcome, "finished");
  EXPECT_EQ(result->seeds.at(0).epochs, 12);
  EXPECT_GT(testAccuracy(*result), 0.9); // chance is 1/3, and the second stage never sees a label
}

TEST_F(TwoStages, SameSeedSameBits) {
  const std::optional<RunResult> first = train(2, 2), second = train(2, 2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->seeds.at(0).train_loss, second->seeds.at(0).train_loss);
  EXPECT_EQ(testAccuracy(*first), testAccuracy(*second));
}

/// Drives the executor by hand, to see states between steps.
TEST_F(TwoStages, EachStageChangesItsOwnNetworkOnly) {
  const std::shared_ptr<const Artifact> artifact = artifactOf(specOf(1, 1));
  ASSERT_TRUE(artifact);
  auto created = ReferenceExecutor::create(artifact, {});
  ASSERT_TRUE(created.ok()) << created.status().message();
  ReferenceExecutor& executor = **created;
  ASSERT_TRUE(executor.initialise(7, {}).ok());
  const auto fill = [&](std::uint64_t counter, std::int32_t valid) {
    std::byte* row = executor.control_row(counter);
    const std::int32_t slot = 0;
    const float lr = 0.25f;
    std::memcpy(row, &valid, 4);
    std::memcpy(row + 4, &slot, 4);
    std::memcpy(row + 8, &lr, 4);
    for (std::int64_t n = 0; n < kBatch; ++n) {
      const std::int32_t label = static_cast<std::int32_t>(n % kClasses);
      std::memcpy(executor.slot(0) + 128 + n * 4, &label, 4);
      for (std::int64_t d = 0; d < kFeatures; ++d) {
        const float x = static_cast<float>(label) - 0.5f * static_cast<float>(d);
        std::memcpy(executor.slot(0) + (n * kFeatures + d) * 4, &x, 4);
      }
    }
  };
  const auto states = [&](std::int32_t first) {
    return std::pair(executor.exactState(first), executor.exactState(first + 1));
  };

  const auto teacher = states(0), net = states(2);
  fill(executor.counter(), kBatch);
  ASSERT_TRUE(executor.run({0, 0}, 1).ok());
  EXPECT_NE(states(0), teacher);
  EXPECT_EQ(states(2), net);
  float loss = 0;
  std::memcpy(&loss, executor.metrics_row(0), 4);
  EXPECT_GT(loss, 0.0f);

  const auto taught = states(0);
  fill(executor.counter(), kBatch);
  ASSERT_TRUE(executor.run({1, 0}, 1).ok());
  EXPECT_EQ(states(0), taught);
  EXPECT_NE(states(2), net);

  const auto distilled = states(2);
  fill(executor.counter(), 0); // an empty step changes nothing
  ASSERT_TRUE(executor.run({1, 0}, 1).ok());
  EXPECT_EQ(states(2), distilled);

  // A stage's copies keep what f32 would round away.
  ASSERT_TRUE(executor.copy_state(0, 2).ok() && executor.copy_state(1, 3).ok());
  EXPECT_EQ(states(2), taught);
  EXPECT_FALSE(executor.copy_state(0, 1).ok()) << "of another shape";

  // State is f64 between steps: rounding it to f32 must lose something.
  double lost = 0;
  for (double value : distilled.first)
    lost += std::abs(value - static_cast<double>(static_cast<float>(value)));
  EXPECT_GT(lost, 0);

  fill(executor.counter(), kBatch);
  ASSERT_TRUE(executor.run({2, 0}, 1).ok());
  const auto logits = executor.read_output({2, 0}, 0);
  ASSERT_TRUE(logits.ok()) << logits.status().message();
  EXPECT_EQ(logits->size(), static_cast<size_t>(kBatch * kClasses * 4));
}

TEST_F(TwoStages, IrThatDoesNotFitTheMetadataIsRefused) {
  const auto refusal = [&](const std::function<void(ArtifactSpec&)>& change,
                           const std::string& phase = "differentiated",
                           const std::string& text = kProgram) -> std::string {
    ArtifactSpec spec = specOf(1, 1);
    change(spec);
    const std::shared_ptr<const Artifact> artifact = artifactOf(spec, phase, text);
    if (!artifact) return "no artifact";
    const auto executor = ReferenceExecutor::create(artifact, {});
    return executor.ok() ? "" : executor.status().message();
  };
  const auto nothing = [](ArtifactSpec&) {};
  EXPECT_EQ(refusal(nothing), "");
  EXPECT_EQ(refusal(nothing, "fused"), "");
  EXPECT_EQ(refusal(nothing, "traced"), "'two_stages' holds no IR after differentiation to interpret");
  EXPECT_EQ(refusal([](ArtifactSpec& spec) { spec.states[3].name = "offset"; }),
            "state 'offset' differs between the metadata and the IR of phase 'differentiated'");
  EXPECT_EQ(refusal([](ArtifactSpec& spec) { spec.entries[1].variants[0].symbol = "other"; }),
            "entry 'other' differs between the metadata and the IR of phase 'differentiated'");
  EXPECT_EQ(refusal([](ArtifactSpec& spec) { spec.control[2].name = "rate"; }),
            "entry 'teach_step': control field 'lr' differs between the metadata and the IR of phase "
            "'differentiated'");
  EXPECT_EQ(
      refusal([](ArtifactSpec& spec) { spec.entries[2].variants[0].outputs[0].name = "scores"; }),
      "entry 'eval_step': output 'logits' differs between the metadata and the IR of phase 'differentiated'");
  EXPECT_THAT(refusal(nothing, "differentiated", "tailor.program @p { tailor.nonsense }"),
              testing::HasSubstr("the IR of phase 'differentiated' is damaged"));
  EXPECT_EQ(
      refusal(nothing, "differentiated", "ML\xEFR\x06tailor"),
      "the IR of phase 'differentiated' is damaged: differentiated.mlir:1:1: MLIR's binary form (bytecode) "
      "is not read, only its text");
}

/// A label outside the classes stops the step and names op, value and bound.
TEST_F(TwoStages, AWrongLabelIsNamed) {
  const std::shared_ptr<const Artifact> artifact = artifactOf(specOf(1, 1));
  ASSERT_TRUE(artifact);
  auto executor = ReferenceExecutor::create(artifact, {});
  ASSERT_TRUE(executor.ok()) << executor.status().message();
  ASSERT_TRUE((*executor)->initialise(1, {}).ok());
  const std::int32_t valid = 2, label = 3;
  std::memcpy((*executor)->control_row(0), &valid, 4);
  std::memcpy((*executor)->slot(0) + 128 + 4, &label, 4);
  const Status status = (*executor)->run({0, 0}, 1);
  EXPECT_THAT(status.message(), testing::HasSubstr("label 3 of row 1 is outside [0, 3)"));
}

} // namespace
} // namespace tailor::conformance
