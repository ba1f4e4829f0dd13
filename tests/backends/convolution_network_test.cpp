/// A convolution network trains on the cpu: the loss falls, and one, two and three threads leave the same bits.
#include "backend/driver/Driver.h"
#include "models/networks/cifar_resnet.h"
#include "runtime/exec/cpu_executor.h"
#include "tailor/tailor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>

namespace tailor::backends {
namespace {

constexpr std::int64_t kBatch = 16, kSide = 16, kClasses = 3;
constexpr int kSteps = 8;

/// Class k is a wave of its own frequency along the image, in bytes.
void fillSlot(runtime::Executor& executor) {
  for (const runtime::SlotField& field : executor.spec().entries[0].variants[0].slot_fields) {
    std::byte* place = executor.slot(0) + field.offset;
    if (field.name == "image") {
      ASSERT_EQ(field.dtype, runtime::DType::kU8);
      std::span<std::uint8_t> image(reinterpret_cast<std::uint8_t*>(place), kBatch * kSide * kSide * 3);
      for (std::size_t i = 0; i < image.size(); ++i) {
        const std::size_t n = i / (kSide * kSide * 3), x = i / 3 % kSide, c = i % 3;
        image[i] = static_cast<std::uint8_t>(
            128 + 100 * std::sin(0.4 * double(x) * double(n % kClasses + 1) + double(c) + double(n)));
      }
    } else if (field.name == "label") {
      for (std::int32_t n = 0; n < kBatch; ++n)
        reinterpret_cast<std::int32_t*>(place)[n] = n % kClasses;
    }
  }
}

template <typename T> void setControl(runtime::Executor& executor, const std::string& name, T value) {
  const std::int32_t index = runtime::find_control(executor.spec(), name);
  if (index < 0) return;
  const runtime::ControlField& field = executor.spec().control[static_cast<std::size_t>(index)];
  std::memcpy(executor.control_row(executor.counter()) + field.offset, &value, sizeof value);
}

struct Trained {
  std::vector<float> losses;
  std::vector<std::byte> state;
};

Trained train(const std::shared_ptr<const runtime::Artifact>& artifact, int threads) {
  Trained trained;
  runtime::ExecutorOptions options;
  options.num_threads = threads;
  auto executor = runtime::CpuExecutor::create(artifact, options);
  if (!executor.ok()) {
    ADD_FAILURE() << executor.status().message();
    return trained;
  }
  EXPECT_TRUE((*executor)->initialise(1, {}).ok());
  fillSlot(**executor);
  const auto& metrics = artifact->spec().metrics;
  for (int step = 0; step < kSteps; ++step) {
    setControl<std::int32_t>(**executor, "step", step);
    setControl<std::int32_t>(**executor, "slot", 0);
    setControl<std::int32_t>(**executor, "valid", kBatch);
    setControl<float>(**executor, "lr", 0.05F);
    setControl<float>(**executor, "momentum", 0.9F);
    EXPECT_TRUE((*executor)->run({0, 0}, 1).ok());
    float loss = 0;
    const auto place = static_cast<std::size_t>(runtime::find_metric(artifact->spec(), "loss"));
    std::memcpy(&loss, (*executor)->metrics_row((*executor)->counter() - 1) + metrics[place].offset,
                sizeof loss);
    trained.losses.push_back(loss);
  }
  for (std::size_t s = 0; s < artifact->spec().states.size(); ++s) {
    std::vector<std::byte> bytes(artifact->spec().states[s].bytes);
    EXPECT_TRUE((*executor)->read_state(static_cast<std::int32_t>(s), bytes).ok());
    trained.state.insert(trained.state.end(), bytes.begin(), bytes.end());
  }
  return trained;
}

TEST(ConvolutionNetwork, TrainsToTheSameBitsOnAnyNumberOfThreads) {
  models::CifarResNet net({.depth = 8, .num_classes = kClasses});
  optim::Sgd sgd({.momentum = 0.9});
  data::Schema schema;
  schema.num_classes = kClasses;
  schema.image_height = schema.image_width = kSide;
  schema.image_channels = 3;
  schema.image_mean = {0.5, 0.5, 0.5};
  schema.image_deviation = {0.3, 0.28, 0.26};
  TrainingProgram program("resnet8");
  program.data(data::Plan({}, schema), {.batch = kBatch, .eval_batch = kBatch});
  program.state("net", net);
  program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad(
        [&] { return losses::softmax_cross_entropy(net(s.batch().image, s.context()), s.batch().label); });
    s.report("loss", g.loss);
    s.update(net, sgd, g.gradients, s.control("lr", 0.1, "optimizer.lr"));
  });
  program.eval_step([&](Eval& e) { e.logits(net(e.batch().image, e.context())); });

  const auto compiled = backend::compile(program, backend::CompileOptions());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  const Trained one = train(*artifact, 1);
  ASSERT_EQ(one.losses.size(), std::size_t(kSteps));
  EXPECT_LT(one.losses.back(), 0.5F * one.losses.front());
  for (int threads : {2, 3})
    EXPECT_EQ(train(*artifact, threads).state, one.state) << threads << " threads";
}

} // namespace
} // namespace tailor::backends
