/// Images of bytes: every pixel value of every channel is normalised to the bits of (pixel / 255 - mean) / deviation in
/// f32, on the cpu and, within what f32 rounds, on the reference; images that are f32 stay as they are.
#include "backend/driver/Driver.h"
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/cpu_executor.h"
#include "tailor/tailor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>

namespace tailor::backends {
namespace {

// Lines of 3 * 11 elements: more than a vector, and no multiple of one.
constexpr std::int64_t kRows = 8, kHeight = 3, kWidth = 11, kChannels = 3;
constexpr std::size_t kElements = kRows * kHeight * kWidth * kChannels;
const std::vector<double> kMean = {0.4914, 0.4822, 0.4465}, kDeviation = {0.2023, 0.1994, 0.2010};

std::shared_ptr<const runtime::Artifact> compile(bool bytes) {
  data::Schema schema;
  schema.num_classes = 2;
  schema.image_height = kHeight;
  schema.image_width = kWidth;
  schema.image_channels = kChannels;
  if (bytes) {
    schema.image_mean = kMean;
    schema.image_deviation = kDeviation;
  }
  nn::Linear net(kHeight * kWidth * kChannels, 2);
  optim::Sgd sgd;
  TrainingProgram program("images");
  program.data(data::Plan({}, schema), {.batch = kRows, .eval_batch = kRows});
  program.state("net", net), program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad([&] {
      return losses::softmax_cross_entropy(net(flatten(s.batch().image), s.context()), s.batch().label);
    });
    s.update(net, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) {
    e.features(flatten(e.batch().image));
    e.logits(net(flatten(e.batch().image), e.context()));
  });
  auto compiled = backend::compile(program, backend::CompileOptions());
  if (!compiled.ok()) {
    ADD_FAILURE() << compiled.status().message();
    return nullptr;
  }
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return *artifact;
}

/// What the eval entry makes of the images, whose memory `fill` writes.
template <class Fill> std::vector<float> features(runtime::Executor& executor, const Fill& fill) {
  EXPECT_TRUE(executor.initialise(0, {}).ok());
  const runtime::ArtifactSpec& spec = executor.spec();
  for (std::size_t e = 0; e < spec.entries.size(); ++e) {
    if (spec.entries[e].kind != runtime::EntryKind::kEval) continue;
    const runtime::Variant& variant = spec.entries[e].variants[0];
    for (const runtime::SlotField& field : variant.slot_fields)
      if (field.name == "image") fill(field, executor.slot(0) + field.offset);
    const std::int32_t valid = runtime::find_control(spec, "valid");
    const auto rows = static_cast<std::int32_t>(kRows);
    std::memcpy(executor.control_row(executor.counter()) + spec.control[std::size_t(valid)].offset, &rows,
                sizeof rows);
    const runtime::VariantId id{static_cast<std::int32_t>(e), 0};
    EXPECT_TRUE(executor.run(id, 1).ok());
    for (std::size_t o = 0; o < variant.outputs.size(); ++o) {
      if (variant.outputs[o].name != "features") continue;
      const auto bytes = executor.read_output(id, static_cast<std::int32_t>(o));
      EXPECT_TRUE(bytes.ok());
      std::vector<float> values(kElements);
      std::memcpy(values.data(), bytes->data(), bytes->size());
      return values;
    }
  }
  ADD_FAILURE() << "no features";
  return {};
}

/// The same for both back ends.
template <class Fill, class Check> void onBothBackEnds(bool bytes, const Fill& fill, const Check& check) {
  const auto compiled = compile(bytes);
  ASSERT_TRUE(compiled);
  auto cpu = runtime::CpuExecutor::create(compiled, {});
  ASSERT_TRUE(cpu.ok()) << cpu.status().message();
  check(features(**cpu, fill), true);
  auto reference = backend::reference::ReferenceExecutor::create(compiled, {});
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  check(features(**reference, fill), false);
}

TEST(ImageBytes, AreNormalisedToTheBit) {
  // All 256 values in each channel, in three batches.
  for (std::size_t first = 0; first < 3 * 256; first += kElements)
    onBothBackEnds(
        true,
        [&](const runtime::SlotField& field, std::byte* place) {
          ASSERT_EQ(field.dtype, runtime::DType::kU8);
          ASSERT_EQ(field.bytes, kElements);
          for (std::size_t i = 0; i < kElements; ++i)
            place[i] = static_cast<std::byte>((first + i) / 3);
        },
        [&](const std::vector<float>& values, bool exact) {
          for (std::size_t i = 0; i < kElements; ++i) {
            const std::size_t c = i % 3;
            const auto pixel = static_cast<float>(static_cast<std::uint8_t>((first + i) / 3));
            const float wanted =
                (pixel / 255.0f - static_cast<float>(kMean[c])) / static_cast<float>(kDeviation[c]);
            if (exact)
              EXPECT_EQ(values[i], wanted) << "pixel " << pixel << " of channel " << c;
            else
              EXPECT_NEAR(values[i], wanted, 1e-6) << "pixel " << pixel << " of channel " << c;
          }
        });
}

TEST(ImageBytes, NumbersStayAsTheyAre) {
  onBothBackEnds(
      false,
      [](const runtime::SlotField& field, std::byte* place) {
        ASSERT_EQ(field.dtype, runtime::DType::kF32);
        for (std::size_t i = 0; i < kElements; ++i)
          reinterpret_cast<float*>(place)[i] = 0.25f * static_cast<float>(i) - 7;
      },
      [](const std::vector<float>& values, bool) {
        for (std::size_t i = 0; i < kElements; ++i)
          ASSERT_EQ(values[i], 0.25f * static_cast<float>(i) - 7);
      });
}

} // namespace
} // namespace tailor::backends
