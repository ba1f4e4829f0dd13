#include "tests/unit/runtime/train/run_testing.h"

#include "runtime/base/file.h"
#include "runtime/train/trainer.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

TEST(Resume, RefusesAnotherProgram) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  options.stop_after_steps = 20;
  train(options);
  options.resume = true;
  const std::string before = *read_file(folder / "out/seed-0/last.safetensors");
  const auto refusal = [&](const ToyOptions& toy) {
    return run_training(make_toy_artifact(toy), options).status().message();
  };
  EXPECT_THAT(refusal({.batch = 32}),
              HasSubstr("trained by another program: 'run.batch' was 16, here it is 32"));
  EXPECT_THAT(refusal({.ballast_elements = 3}),
              HasSubstr("'sgd/ballast' is f32 [0], the program has f32 [3]"));
  EXPECT_THAT(refusal({.target = "other"}), HasSubstr("trained on target 'cpu:test-kernels'"));
  EXPECT_EQ(*read_file(folder / "out/seed-0/last.safetensors"), before);
}

/// What a resume says and where it ends.
std::string resume_and_listen(RunOptions options, RunResult* result = nullptr) {
  options.resume = true;
  options.stop_after_steps = -1;
  testing::internal::CaptureStderr();
  RunResult resumed = train(options);
  if (result) *result = std::move(resumed);
  return testing::internal::GetCapturedStderr();
}

TEST(Resume, TakesTheOptionsTheRunStartedWith) {
  const TemporaryFolder folder;
  const Settings set = {{"optimizer.lr", "0.25"}, {"run.epochs", "5"}};
  train(options_for(folder / "straight", set));
  RunOptions options = options_for(folder / "out", set);
  options.stop_after_steps = 30;
  train(options);
  options.set.clear();
  EXPECT_EQ(resume_and_listen(options), "");
  expect_same(checkpoint_at(folder / "out/seed-0/last.safetensors"),
              checkpoint_at(folder / "straight/seed-0/last.safetensors"));
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl"), log_lines(folder / "straight/seed-0/log.jsonl"));
}

/// By the clock, in the middle of an epoch: with an interval that has always passed, after every launch.
TEST(Resume, FromACheckpointWithinAnEpoch) {
  const TemporaryFolder folder;
  const Settings by_time = {{"run.checkpoint_minutes", "1e-9"}, {"run.checkpoint_every", "0"}};
  train(options_for(folder / "straight"));
  RunOptions options = options_for(folder / "out", by_time);
  // The hundredth step, evaluations counted, ends as by a power cut: nothing is written any more.
  std::int64_t launches = 0;
  options.prepare_executor = [&](Executor& executor) {
    return executor.set_observer({.begin =
                                      [&](const ObservedCommand& observed) {
                                        launches += observed.command->kind == CommandKind::kBeginStep;
                                      },
                                  .end =
                                      [&](const ObservedCommand&) {
                                        return launches < 100 ? Status() : internal_error("power cut");
                                      }});
  };
  EXPECT_THAT(run_training(make_toy_artifact(), options).status().message(), HasSubstr("power cut"));
  const TrainingRecord record = *read_record(folder / "out/seed-0/last.safetensors");
  EXPECT_GT(record.batch, 0) << "it lies within an epoch";
  EXPECT_GT(record.step, 0);
  options.prepare_executor = nullptr;
  options.resume = true;
  train(options);
  expect_same(checkpoint_at(folder / "out/seed-0/last.safetensors"),
              checkpoint_at(folder / "straight/seed-0/last.safetensors"));
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl"), log_lines(folder / "straight/seed-0/log.jsonl"));
}

TEST(Resume, RecordsWhatItSets) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"optimizer.lr", "0.25"}});
  options.command_line = {"tailor-run", "first"};
  options.stop_after_steps = 30;
  train(options);
  options.command_line = {"tailor-run", "second"};
  options.set = {{"run.epochs", "4"}};
  EXPECT_EQ(resume_and_listen(options),
            "changed  run.epochs = 4 (was 12); recorded in " + folder.path() + "/out/manifest.json\n");
  const Result<Manifest> manifest = Manifest::read(folder / "out");
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_EQ(*manifest->options.get_int("run.epochs"), 4);
  EXPECT_EQ(*manifest->options.get_number("optimizer.lr"), 0.25);
  EXPECT_EQ(manifest->command_line.back(), "first");
}

TEST(Resume, AFinishedRunGoesOnIfItIsLongerNow) {
  const TemporaryFolder folder;
  const Settings constant = {{"schedule.name", "constant"}, {"run.epochs", "7"}};
  train(options_for(folder / "straight", constant));
  RunOptions options = options_for(folder / "out", {{"schedule.name", "constant"}, {"run.epochs", "3"}});
  EXPECT_EQ(train(options).seeds[0].epochs, 3);
  options.set = {{"run.epochs", "7"}};
  RunResult result;
  EXPECT_THAT(resume_and_listen(options, &result), HasSubstr("changed  run.epochs = 7 (was 3)"));
  EXPECT_EQ(result.seeds[0].epochs, 7);
  expect_same(checkpoint_at(folder / "out/seed-0/last.safetensors"),
              checkpoint_at(folder / "straight/seed-0/last.safetensors"));
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl"), log_lines(folder / "straight/seed-0/log.jsonl"));
}

TEST(Resume, AFinishedRunSaysThatAnOptionHasNoEffect) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  train(options);
  const std::string manifest = *read_file(folder / "out/manifest.json");
  options.set = {{"optimizer.lr", "0.5"}};
  const std::string said = resume_and_listen(options);
  EXPECT_THAT(said, HasSubstr("seed 0 is finished: it has done its 156 steps (12 epochs)\n"));
  EXPECT_THAT(said,
              HasSubstr("warning: optimizer.lr = 0.5 (was 0.3) has no effect: the run is finished\nhint: "));
  EXPECT_EQ(*read_file(folder / "out/manifest.json"), manifest);
  options.set = {{"run.epochs", "3"}}; // shorter
  EXPECT_THAT(resume_and_listen(options), HasSubstr("run.epochs = 3 (was 12) has no effect"));
}

TEST(Resume, AnEarlyStopGoesOnWithMorePatience) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"run.early_stop.on", "val/balanced_accuracy"},
                                                    {"run.early_stop.patience", "2"},
                                                    {"run.epochs", "200"}});
  const RunResult stopped = train(options);
  ASSERT_EQ(stopped.seeds[0].outcome, "early_stop");
  options.set.clear();
  EXPECT_THAT(
      resume_and_listen(options),
      HasSubstr("seed 0 is finished: it stopped early after 2 epochs without gain in val/balanced_accuracy"));
  options.set = {{"run.early_stop.patience", "5"}};
  RunResult result;
  resume_and_listen(options, &result);
  EXPECT_GE(result.seeds[0].epochs, stopped.seeds[0].epochs + 3);
}

TEST(Resume, AStepLimitWithinAnEpochIsTheEnd) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"run.steps", "20"}});
  train(options);
  options.set = {{"run.steps", "40"}};
  EXPECT_THAT(resume_and_listen(options), HasSubstr("its last epoch was cut short after step 20"));
}

TEST(Resume, TheProgramComesBack) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  options.stop_after_steps = 20;
  train(options);
  const std::string path = folder / "out/program.tailor", program = *read_file(path);
  const auto expect_whole = [&](const char* when) {
    const Result<std::string> there = read_file(path);
    EXPECT_TRUE(there.ok() && *there == program) << when;
  };
  std::filesystem::remove(path); // a kill between the files of a start, or a full disk
  options.resume = true;
  options.stop_after_steps = 30;
  train(options);
  expect_whole("gone");
  ASSERT_TRUE(write_file_atomic(path, program.substr(0, program.size() / 2)).ok());
  options.stop_after_steps = -1;
  train(options);
  expect_whole("cut short");
  std::filesystem::remove(path);
  train(options); // nothing left to train
  expect_whole("gone from a finished run");
}

TEST(Resume, TemporariesOfAKilledRunGo) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  options.stop_after_steps = 20;
  train(options);
  const std::vector<std::string> names = {"manifest.json", "program.tailor", "result.json",
                                          "seed-0/last.safetensors", "seed-0/best.safetensors.next"};
  for (const std::string& name : names)
    std::ofstream(folder / ("out/" + name + ".tmp4711")) << "half";
  options.resume = true;
  train(options);
  for (const std::string& name : names)
    EXPECT_FALSE(file_exists(folder / ("out/" + name + ".tmp4711"))) << name;
}

TEST(Resume, ALostCheckpointIsSaid) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"run.seeds", "2"}});
  train(options);
  options.resume = true;
  std::filesystem::remove(folder / "out/seed-1/last.safetensors");
  EXPECT_THAT(run_training(make_toy_artifact(), options).status().message(),
              HasSubstr("/seed-1/last.safetensors': it is gone, while result.json knows of its steps"));
  std::filesystem::remove(folder / "out/result.json"); // as after a kill
  EXPECT_THAT(resume_and_listen(options),
              HasSubstr("warning: seed 1 has a log but no checkpoint in '" + folder.path() + "/out/seed-1'"));
}

TEST(Resume, AnotherSeedsCheckpointIsRefused) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"run.seeds", "2"}});
  train(options);
  std::filesystem::copy_file(folder / "out/seed-0/last.safetensors", folder / "out/seed-1/last.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  options.resume = true;
  EXPECT_THAT(run_training(make_toy_artifact(), options).status().message(),
              HasSubstr("seed-1/last.safetensors' is of seed 0, its folder is of seed 1"));
}

TEST(Resume, OtherRowsAreRefused) {
  const TemporaryFolder folder;
  const auto write_csv = [&](double shift) {
    std::ofstream file(folder / "t.csv");
    file << "x0,x1,label\n";
    for (int i = 0; i < 100; ++i)
      file << i % 7 + shift << "," << i % 11 << "," << i % 2 << "\n";
  };
  write_csv(0);
  const ToyOptions toy{.csv = folder / "t.csv"};
  RunOptions options = options_for(folder / "out");
  options.stop_after_steps = 10;
  train(options, toy);
  write_csv(0.125); // as many rows of each class as before
  options.resume = true;
  EXPECT_THAT(run_training(make_toy_artifact(toy), options).status().message(),
              HasSubstr("the training split has other rows than the one"));
  write_csv(0);
  options.stop_after_steps = -1;
  EXPECT_EQ(train(options, toy).seeds[0].outcome, "finished");
}

TEST(Resume, ALostLogDoesNotStopIt) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  options.stop_after_steps = 60;
  train(options);
  std::filesystem::remove(folder / "out/seed-0/log.jsonl");
  EXPECT_THAT(resume_and_listen(options), HasSubstr("has 0 bytes, the checkpoint knows of"));
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl").size(), 8u); // epochs 5 to 12
}

} // namespace
} // namespace tailor::runtime
