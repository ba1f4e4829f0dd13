#include "runtime/train/run_memory.h"

#include "runtime/base/memory_limit.h"
#include "tests/unit/runtime/train/run_testing.h"

#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RunMemory, IsTheExecutorAndTheLargerOfReadingAndTraining) {
  RunMemory memory;
  memory.state = 10'000'000, memory.arena = 100'000'000, memory.scratch = 1'000'000, memory.slots = 2'000'000;
  memory.checkpoints = 20'000'000;
  memory.rows = 5'000'000, memory.reading = 40'000'000;
  EXPECT_EQ(memory.most(), 157'000'000u) << "and the pages that the process has not touched yet";
  memory.process = {.resident = 30'000'000, .peak = 40'000'000};
  EXPECT_EQ(memory.most(), 187'000'000u) << "the process was there before";
  memory.process.peak = 500'000'000;
  EXPECT_EQ(memory.most(), 500'000'000u) << "compiling took more than the run will";
  EXPECT_THAT(memory.text(),
              StartsWith("500.0 MB at most: process 34.0 MB (500.0 MB before), state 10.0 MB"));
  memory.process = {};
  memory.reading = 6'000'000;
  EXPECT_EQ(memory.most(), 142'000'000u);
  EXPECT_EQ(memory.warning(142'000'000), "");
  EXPECT_THAT(
      memory.warning(141'000'000),
      StartsWith(
          "training may need up to 142.0 MB of memory, this process may have 141.0 MB: activations "
          "and gradients 100.0 MB, checkpoints 20.0 MB, state 10.0 MB; a smaller run.batch needs less"));
}

// The arena is as large as the largest batch size needs; a smaller one touches its own part.
TEST(RunMemory, TheArenaIsThatOfTheBatchThatTrains) {
  ArtifactSpec spec = make_toy_artifact()->spec();
  const std::uint64_t small = spec.memory.arena;
  Variant large = spec.entries[0].variants[0];
  large.batch = 64;
  Operand& slot_copy = large.commands[1].operands[1];
  ASSERT_EQ(slot_copy.space, Space::kArena);
  slot_copy.offset = 1 << 20;
  spec.memory.arena = slot_copy.offset + slot_copy.bytes;
  spec.entries[0].variants.push_back(large);
  const auto arena = [&](std::int64_t batch) {
    const Result<RunMemory> memory = RunMemory::of(spec, {}, false, batch, {});
    EXPECT_TRUE(memory.ok()) << memory.status().message();
    return memory.ok() ? memory->arena : 0;
  };
  EXPECT_EQ(arena(16), small);
  EXPECT_EQ(arena(0), small) << "what run.batch says";
  EXPECT_EQ(arena(64), spec.memory.arena);
  EXPECT_THAT(RunMemory::of(spec, {}, false, 8, {}).status().hint(), HasSubstr("16, 64"));
}

// Data and checkpoints are the most there may be: a run that fits beside less of them is not kept from trying.
TEST(RunMemory, OnlyWhatTheExecutorHoldsIsRefused) {
  RunMemory memory;
  memory.state = 10'000'000, memory.arena = 100'000'000, memory.scratch = 1'000'000, memory.slots = 2'000'000;
  memory.checkpoints = 20'000'000, memory.rows = 5'000'000, memory.reading = 40'000'000;
  EXPECT_TRUE(memory.check(113'000'000).ok());
  const Status refusal = memory.check(112'000'000);
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(),
            "training needs 113.0 MB of memory, this process may have 112.0 MB: activations "
            "and gradients 100.0 MB, state 10.0 MB, batch slots 2.0 MB");
}

// State and arena of a program for a GPU are not the process's: its executor asks the device for them.
TEST(RunMemory, WhatIsOnADeviceIsNotRefusedHere) {
  ArtifactSpec spec = make_toy_artifact()->spec();
  spec.target.backend = "cuda";
  spec.memory.arena = 1'000'000'000'000;
  const Result<RunMemory> memory = RunMemory::of(spec, {}, false, 0, {});
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  EXPECT_TRUE(memory->check(1'000'000'000).ok());
  EXPECT_THAT(memory->text(), HasSubstr("on the device 1000000.0 MB: state 0.0 MB, arena 1000000.0 MB; "));
}

TEST(RunMemory, AnEvaluationThatNeedsMostIsNamed) {
  ArtifactSpec spec = make_toy_artifact()->spec();
  std::int32_t step = -1, eval = -1;
  for (std::size_t e = 0; e < spec.entries.size(); ++e) {
    if (spec.entries[e].kind == EntryKind::kStep) step = static_cast<std::int32_t>(e);
    if (spec.entries[e].kind == EntryKind::kEval) eval = static_cast<std::int32_t>(e);
  }
  ASSERT_TRUE(step >= 0 && eval >= 0);
  spec.memory_plan = {{.name = "a", .space = Space::kArena, .offset = 0, .bytes = 100, .entry = step},
                      {.name = "b", .space = Space::kArena, .offset = 64, .bytes = 64, .entry = eval}};
  const auto key = [&] {
    const Result<RunMemory> memory = RunMemory::of(spec, {}, false, 0, {});
    return memory.ok() ? memory->batch_key : memory.status().message();
  };
  EXPECT_EQ(key(), "run.eval_batch");
  spec.memory_plan[0].bytes = 128;
  EXPECT_EQ(key(), "run.batch");
  RunMemory memory;
  memory.arena = 100;
  memory.batch_key = "run.eval_batch";
  EXPECT_THAT(memory.check(99).hint(), HasSubstr("a smaller run.eval_batch"));
}

TEST(RunMemory, MoreThanTheMachineHasIsRefusedBeforeAnythingIsAllocated) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  bool made = false;
  options.make_executor = [&](std::shared_ptr<const Artifact> artifact, const ExecutorOptions& executor) {
    made = true;
    return make_toy_executor(std::move(artifact), executor);
  };
  ToyOptions toy;
  toy.ballast_elements = memory_limit() / sizeof(float);
  const Status status = run_training(make_toy_artifact(toy), options).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("of memory, this process may have"));
  EXPECT_THAT(status.message(), HasSubstr("state"));
  EXPECT_FALSE(made);
}

} // namespace
} // namespace tailor::runtime
