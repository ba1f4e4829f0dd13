#include "runtime/train/run.h"

#include "runtime/artifact/writer.h"
#include "runtime/base/file.h"
#include "runtime/train/nonfinite_trap.h"
#include "runtime/train/run_folder.h"
#include "runtime/train/score.h"
#include "runtime/train/trainer.h"
#include "tests/unit/runtime/train/run_testing.h"

#include <array>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <numeric>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

TEST(Run, LearnsAndWritesItsFolder) {
  const TemporaryFolder folder;
  const RunResult result = train(options_for(folder / "out"));
  ASSERT_EQ(result.seeds.size(), 1u);
  EXPECT_EQ(result.seeds[0].outcome, "finished");
  EXPECT_EQ(result.seeds[0].epochs, 12);
  EXPECT_EQ(result.seeds[0].steps, 12 * 13); // 200 rows in batches of 16: the last has 8
  EXPECT_EQ(result.class_counts, (std::vector<std::int64_t>{100, 100}));
  EXPECT_EQ(result.imbalance_ratio(), 1.0);
  const auto accuracy = metric_value(result.seeds[0].test, "balanced_accuracy");
  ASSERT_TRUE(accuracy);
  EXPECT_GT(*accuracy, 0.8); // a line separates two moons to about 0.87
  for (const char* name :
       {"manifest.json", "result.json", "program.tailor", "seed-0/last.safetensors", "seed-0/log.jsonl"})
    EXPECT_TRUE(file_exists(folder / "out/" + name)) << name;
  EXPECT_FALSE(file_exists(folder / "out/seed-0/best.safetensors"));
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl").size(), 12u);
  EXPECT_TRUE(Artifact::open(folder / "out/program.tailor").ok());
  EXPECT_THAT(result_table(result), HasSubstr("balanced_accuracy"));
}

TEST(Run, TheTableShowsWhatEvalMetricsLists) {
  RunResult result;
  for (const char* name : {"loss", "accuracy", "few", "many", "class_accuracy/rare"})
    result.metrics.push_back({concat("val/", name), summarise(std::vector{0.5})});
  EXPECT_THAT(result_table(result), testing::AllOf(HasSubstr("loss"), testing::Not(HasSubstr("rare"))));
  result.shown = {"accuracy", "few_med_many", "per_class"};
  EXPECT_THAT(result_table(result),
              testing::AllOf(HasSubstr("accuracy  "), HasSubstr("few"), HasSubstr("many"),
                             HasSubstr("class_accuracy/rare"), testing::Not(HasSubstr("loss"))));
}

// What steps report reaches the log: a line per step on demand, and per epoch the mean over its rows. Stopping in
// the middle of an epoch changes neither.
TEST(Run, LogsWhatStepsReport) {
  const TemporaryFolder folder;
  train(options_for(folder / "a", {{"run.log_steps", "1"}, {"run.epochs", "2"}}));
  RunOptions cut = options_for(folder / "b", {{"run.log_steps", "1"}, {"run.epochs", "2"}});
  cut.stop_after_steps = 5;
  train(cut);
  cut.stop_after_steps = -1;
  cut.resume = true;
  train(cut);
  const std::vector<std::string> lines = log_lines(folder / "a/seed-0/log.jsonl");
  EXPECT_EQ(log_lines(folder / "b/seed-0/log.jsonl"), lines);
  ASSERT_EQ(lines.size(), 2u * 14); // 13 steps and the epoch
  double sum = 0;
  for (std::size_t i = 0; i < 13; ++i) {
    const Result<OptionValue> line = OptionValue::from_json(lines[i]);
    ASSERT_TRUE(line.ok());
    EXPECT_EQ(line->find("epoch"), nullptr);
    EXPECT_EQ(*line->find("step")->as_int(), static_cast<std::int64_t>(i) + 1);
    EXPECT_GT(line->find("lr")->as_number().value(), 0);
    sum += line->find("step/loss")->as_number().value() * (i == 12 ? 8 : 16); // 200 rows
  }
  const Result<OptionValue> epoch = OptionValue::from_json(lines[13]);
  EXPECT_DOUBLE_EQ(epoch->find("train/loss")->as_number().value(), sum / 200);
}

TEST(Run, ManifestHoldsEveryOption) {
  const TemporaryFolder folder;
  train(options_for(folder / "out", {{"optimizer.lr", "0.25"}}));
  const Result<OptionValue> manifest = OptionValue::from_json(*read_file(folder / "out/manifest.json"));
  ASSERT_TRUE(manifest.ok());
  const OptionValue* options = manifest->find("options");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->as_table()->size(), make_toy_artifact()->spec().options.size());
  EXPECT_EQ(*options->find("optimizer.lr")->find("value")->as_double(), 0.25);
  EXPECT_EQ(*options->find("optimizer.lr")->find("origin")->as_string(), "command line");
  EXPECT_EQ(*options->find("run.epochs")->find("origin")->as_string(), "toy.toml");
}

TEST(Run, SameBitsForThreadsLoadersAndStepsPerLaunch) {
  const TemporaryFolder folder;
  train(options_for(folder / "a"));
  const Checkpoint expected = checkpoint_at(folder / "a/seed-0/last.safetensors");
  const std::vector<std::string> expected_log = log_lines(folder / "a/seed-0/log.jsonl");
  int run = 0;
  for (const auto& [threads, loaders, launch] :
       std::vector<std::array<int, 3>>{{2, 1, 1}, {3, 4, 1}, {1, 0, 8}, {3, 2, 8}, {2, 4, 5}}) {
    const std::string out = folder / concat("b", run++);
    RunOptions options = options_for(out, {{"run.steps_per_launch", concat(launch)}});
    options.threads = threads;
    options.loader_threads = loaders;
    train(options);
    SCOPED_TRACE(concat(threads, " threads, ", loaders, " loaders, ", launch, " steps per launch"));
    expect_same(checkpoint_at(out + "/seed-0/last.safetensors"), expected);
    EXPECT_EQ(log_lines(out + "/seed-0/log.jsonl"), expected_log);
  }
}

TEST(Run, OtherSeedOtherBits) {
  const TemporaryFolder folder;
  train(options_for(folder / "a"));
  train(options_for(folder / "b", {{"run.seed", "1"}}));
  EXPECT_NE(checkpoint_at(folder / "a/seed-0/last.safetensors").states,
            checkpoint_at(folder / "b/seed-1/last.safetensors").states);
}

TEST(Run, StopsAtAStepAndGoesOn) {
  const TemporaryFolder folder;
  const Settings set = {{"run.keep.best", "val/balanced_accuracy"}};
  train(options_for(folder / "straight", set));
  for (const std::int64_t stop : {0, 1, 13, 20, 150}) {
    SCOPED_TRACE(stop);
    const std::string out = folder / concat("stop", stop);
    RunOptions options = options_for(out, set);
    options.stop_after_steps = stop;
    EXPECT_EQ(train(options).seeds[0].outcome, "stopped");
    options.resume = true;
    options.stop_after_steps = -1;
    EXPECT_EQ(train(options).seeds[0].outcome, "finished");
    expect_same(checkpoint_at(out + "/seed-0/last.safetensors"),
                checkpoint_at(folder / "straight/seed-0/last.safetensors"));
    expect_same(checkpoint_at(out + "/seed-0/best.safetensors"),
                checkpoint_at(folder / "straight/seed-0/best.safetensors"));
    EXPECT_EQ(log_lines(out + "/seed-0/log.jsonl"), log_lines(folder / "straight/seed-0/log.jsonl"));
  }
}

TEST(Run, StagesFollowEachOther) {
  const TemporaryFolder folder;
  const ToyOptions toy{.two_stages = true};
  const RunResult straight = train(options_for(folder / "straight"), toy);
  EXPECT_EQ(straight.seeds[0].steps, (12 + 4) * 13);
  const std::vector<std::string> log = log_lines(folder / "straight/seed-0/log.jsonl");
  ASSERT_EQ(log.size(), 16u);
  EXPECT_EQ(*OptionValue::from_json(log[11])->find("stage")->as_string(), "main");
  EXPECT_EQ(*OptionValue::from_json(log[12])->find("stage")->as_string(), "tune");
  EXPECT_EQ(*OptionValue::from_json(log[12])->find("epoch")->as_int(), 13);
  EXPECT_EQ(*OptionValue::from_json(log[15])->find("lr")->as_number(), 0.15);
  for (const std::int64_t stop : {155, 156, 157, 180}) { // around the border, which is at step 156
    SCOPED_TRACE(stop);
    RunOptions options = options_for(folder / concat("stop", stop));
    options.stop_after_steps = stop;
    train(options, toy);
    options.resume = true;
    options.stop_after_steps = -1;
    train(options, toy);
    expect_same(checkpoint_at(options.out + "/seed-0/last.safetensors", toy),
                checkpoint_at(folder / "straight/seed-0/last.safetensors", toy));
  }
}

// Twelve epochs and four that continue them are sixteen epochs: rates, noise, weights, average and best epoch.
TEST(Run, AStageThatContinuesGoesOnWithTheClock) {
  const TemporaryFolder folder;
  const ToyOptions toy{.two_stages = true, .continues = true};
  const Settings keep = {{"run.keep.best", "val/loss"}};
  Settings sixteen = keep;
  sixteen.emplace_back("run.epochs", "16");
  const RunResult one = train(options_for(folder / "one", sixteen));
  const RunResult two = train(options_for(folder / "two", keep), toy);
  EXPECT_EQ(two.seeds[0].reported_epoch, one.seeds[0].reported_epoch);
  const Checkpoint whole = checkpoint_at(folder / "one/seed-0/last.safetensors");
  const Checkpoint parts = checkpoint_at(folder / "two/seed-0/last.safetensors", toy);
  EXPECT_EQ(parts.states, whole.states);
  const std::vector<std::string> a = log_lines(folder / "one/seed-0/log.jsonl"),
                                 b = log_lines(folder / "two/seed-0/log.jsonl");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(*OptionValue::from_json(a[i])->find("lr")->as_number(),
              *OptionValue::from_json(b[i])->find("lr")->as_number())
        << i;
  RunOptions cut = options_for(folder / "cut", keep);
  cut.stop_after_steps = 156; // where the second begins
  train(cut, toy);
  cut.stop_after_steps = -1;
  cut.resume = true;
  train(cut, toy);
  expect_same(checkpoint_at(cut.out + "/seed-0/last.safetensors", toy), parts);
}

// What corrects moments and warms averages up counts their own updates, also where the clock goes on.
TEST(Run, SlotsThatStartInAStageThatContinuesCountFromThere) {
  const TemporaryFolder folder;
  const auto record_of = [&](const std::string& name, const ToyOptions& toy) {
    train(options_for(folder / name), toy);
    return checkpoint_at(folder / (name + "/seed-0/last.safetensors"), toy).record;
  };
  const TrainingRecord on = record_of("on", {.two_stages = true, .continues = true});
  EXPECT_EQ(on.slots_first_step, 0);
  EXPECT_EQ(on.averages_first_step, 0);
  const ToyOptions starts{.two_stages = true, .continues = true, .starts_slots = true};
  const TrainingRecord anew = record_of("anew", starts);
  EXPECT_EQ(anew.clock_first_step, 0);
  EXPECT_EQ(anew.slots_first_step, 156);
  EXPECT_EQ(anew.averages_first_step, 156);
  EXPECT_EQ(record_of("apart", {.two_stages = true}).slots_first_step, 156);
  RunOptions cut = options_for(folder / "cut");
  cut.stop_after_steps = 170; // within the second
  train(cut, starts);
  cut.stop_after_steps = -1;
  cut.resume = true;
  train(cut, starts);
  expect_same(checkpoint_at(cut.out + "/seed-0/last.safetensors", starts),
              checkpoint_at(folder / "anew/seed-0/last.safetensors", starts));
}

TEST(Run, AStageThatContinuesHasEpochsOfTheSameLength) {
  const TemporaryFolder folder;
  const ToyOptions toy{.two_stages = true, .continues = true, .more_options = [] {
                         Options options;
                         options.set("stage.tune.run.drop_last", OptionValue(true));
                         return options;
                       }()};
  EXPECT_THAT(run_training(make_toy_artifact(toy), options_for(folder / "a")).status().message(),
              HasSubstr("stage 'tune' continues 'main' with 12 steps in an epoch, not 13"));
}

// The best epoch of a stage is not that of the next, and its weights go with it.
TEST(Run, AStageHasItsOwnBestEpoch) {
  const TemporaryFolder folder;
  const ToyOptions toy{.two_stages = true};
  RunOptions options = options_for(folder / "out", {{"run.keep.best", "val/loss"}});
  options.stop_after_steps = 156;
  train(options, toy);
  EXPECT_FALSE(file_exists(folder / "out/seed-0/best.safetensors")) << "of a stage that is over";
  options.stop_after_steps = -1;
  options.resume = true;
  const RunResult result = train(options, toy);
  EXPECT_GE(result.seeds[0].reported_epoch, 12);
  EXPECT_TRUE(file_exists(folder / "out/seed-0/best.safetensors"));
}

TEST(Run, EarlyStopEndsItsStageOnly) {
  const TemporaryFolder folder;
  ToyOptions toy{.two_stages = true};
  toy.more_options.set("stage.main.run.early_stop.on", OptionValue("val/accuracy"));
  toy.more_options.set("stage.main.run.early_stop.patience", OptionValue(1));
  const RunResult result = train(options_for(folder / "out"), toy);
  EXPECT_EQ(result.seeds[0].outcome, "finished");
  EXPECT_LT(result.seeds[0].epochs, 16);
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl").size(),
            static_cast<std::size_t>(result.seeds[0].epochs));
}

TEST(Run, WhatEveryStageHasOfItsOwnIsSetByItsLongKey) {
  const TemporaryFolder folder;
  ToyOptions toy{.two_stages = true};
  toy.more_options.set("stage.main.run.epochs", OptionValue(2));
  const auto message = [&](const Settings& set) {
    return run_training(make_toy_artifact(toy), options_for(folder / "a", set)).status();
  };
  EXPECT_THAT(message({{"run.epochs", "1"}}).message(),
              HasSubstr("every stage has a 'run.epochs' of its own"));
  EXPECT_THAT(message({{"run.epochs", "1"}}).hint(),
              HasSubstr("--set stage.main.run.epochs=1 --set stage.tune.run.epochs=1"));
  const RunResult result =
      train(options_for(folder / "b", {{"stage.main.run.epochs", "3"}, {"stage.tune.run.epochs", "1"}}), toy);
  EXPECT_EQ(result.seeds[0].epochs, 4);
}

/// Runs the training in a child process; returns it at once.
pid_t train_in_child(const RunOptions& options, const ToyOptions& toy) {
  const auto artifact = make_toy_artifact(toy);
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<RunResult> result = run_training(artifact, options);
    ::_exit(!result.ok() ? 1 : result->signal ? 128 + result->signal : 0);
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Run, SurvivesKillAtAnyMoment) {
  const TemporaryFolder folder;
  const ToyOptions toy{.rows_per_class = 400, .ballast_elements = 20000};
  const Settings set = {{"run.keep.best", "val/loss"}, {"run.epochs", "30"}};
  const auto start = std::chrono::steady_clock::now();
  train(options_for(folder / "straight", set), toy);
  const auto whole = std::chrono::steady_clock::now() - start;

  RunOptions options = options_for(folder / "killed", set);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(concat("random seed ", seed));
  std::mt19937 random(seed);
  int kills = 0;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const pid_t child = train_in_child(options, toy);
    const auto share = std::uniform_real_distribution<double>(0.02, 0.3)(random);
    std::this_thread::sleep_for(std::chrono::duration_cast<std::chrono::microseconds>(whole * share));
    ::kill(child, SIGKILL);
    kills += wait_for(child) == -SIGKILL;
    options.resume = file_exists(options.out + "/manifest.json");
  }
  EXPECT_GT(kills, 0);
  ASSERT_TRUE(write_file_atomic(options.out + "/seed-0/last.safetensors.tmp123", "left by a kill").ok());
  EXPECT_EQ(train(options, toy).seeds[0].outcome, "finished");
  for (const char* name : {"last", "best"})
    expect_same(checkpoint_at(concat(options.out, "/seed-0/", name, ".safetensors"), toy),
                checkpoint_at(folder / concat("straight/seed-0/", name, ".safetensors"), toy));
  EXPECT_EQ(log_lines(options.out + "/seed-0/log.jsonl"), log_lines(folder / "straight/seed-0/log.jsonl"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(options.out + "/seed-0"), {}), 3)
      << "last, best, log";
}

TEST(Run, SignalLeavesACheckpoint) {
  const TemporaryFolder folder;
  const Settings set = {{"run.epochs", "3000"}};
  for (const int signal : {SIGINT, SIGTERM}) {
    RunOptions options = options_for(folder / concat("out", signal), set);
    const pid_t child = train_in_child(options, {});
    while (!file_exists(options.out + "/seed-0/log.jsonl"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ::kill(child, signal);
    EXPECT_EQ(wait_for(child), 128 + signal);
    const std::int64_t step = checkpoint_at(options.out + "/seed-0/last.safetensors").record.step;
    EXPECT_LT(step, 3000 * 13);
    // The same step reached without a signal holds the same bits.
    RunOptions straight = options_for(folder / concat("straight", signal), set);
    straight.stop_after_steps = step;
    train(straight);
    expect_same(checkpoint_at(options.out + "/seed-0/last.safetensors"),
                checkpoint_at(straight.out + "/seed-0/last.safetensors"));
  }
}

TEST(Run, StopsAtANonFiniteLoss) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"optimizer.lr", "1e38"}, {"run.steps_per_launch", "4"}});
  const Result<RunResult> result = run_training(make_toy_artifact(), options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(exit_code(result.status()), 1);
  EXPECT_THAT(
      result.status().message(),
      ::testing::ContainsRegex("'loss' is (not a number|infinite) at step [0-9]+ \\(epoch [0-9]+\\); (the "
                               "last finite loss was [0-9.e+]+|no loss was finite before it)"));
  EXPECT_THAT(result.status().hint(), HasSubstr("lower optimizer.lr"));
}

TEST(Run, TrapNamesTheCommandAndItsSource) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"optimizer.lr", "1e38"}});
  options.prepare_executor = trap_nonfinite;
  const Result<RunResult> result = run_training(make_toy_artifact(), options);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.status().message(), HasSubstr("wrote the first value that is not finite"));
  EXPECT_THAT(result.status().message(),
              ::testing::ContainsRegex("launch (gradient|update): tailor\\.[a-z_]+ at toy.toml:[12]:1"));
}

TEST(Run, KeepsAndReportsTheBestEpoch) {
  const TemporaryFolder folder;
  const RunResult result = train(options_for(folder / "out", {{"run.keep.best", "val/loss"}}));
  const Checkpoint best = checkpoint_at(folder / "out/seed-0/best.safetensors");
  ASSERT_EQ(result.seeds[0].reported_epoch, best.record.best.epoch);
  double lowest = INFINITY;
  for (const std::string& line : log_lines(folder / "out/seed-0/log.jsonl"))
    lowest = std::min(lowest, *OptionValue::from_json(line)->find("val/loss")->as_number());
  EXPECT_EQ(best.record.best.value, lowest);
  ScoreOptions score;
  score.weights = folder / "out/seed-0/best.safetensors";
  score.make_executor = make_toy_executor;
  const Result<EvaluationResult> scored = evaluate_weights(make_toy_artifact(), score);
  ASSERT_TRUE(scored.ok()) << scored.status().message();
  EXPECT_EQ(scored->find("loss")->value, metric_value(result.seeds[0].test, "loss"));
}

TEST(Run, StopsEarlyWithoutGain) {
  const TemporaryFolder folder;
  const RunResult result = train(options_for(folder / "out", {{"run.early_stop.on", "val/balanced_accuracy"},
                                                              {"run.early_stop.patience", "2"},
                                                              {"run.epochs", "200"}}));
  EXPECT_EQ(result.seeds[0].outcome, "early_stop");
  EXPECT_LT(result.seeds[0].epochs, 200);
  EXPECT_EQ(result.seeds[0].epochs - 1 - result.seeds[0].reported_epoch, 2);
}

TEST(Run, NeverSelectsOnTest) {
  const TemporaryFolder folder;
  const Result<RunResult> result =
      run_training(make_toy_artifact(), options_for(folder / "out", {{"run.keep.best", "test/loss"}}));
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.status().message(), HasSubstr("only a metric of val may decide"));
}

TEST(Run, SeedsGiveMeanAndStandardError) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out", {{"run.seeds", "3"}, {"run.seed", "5"}});
  const RunResult straight = train(options);
  ASSERT_EQ(straight.seeds.size(), 3u);
  EXPECT_EQ(straight.seeds[2].seed, 7u);
  const auto loss = std::find_if(straight.metrics.begin(), straight.metrics.end(),
                                 [](const MetricSummary& m) { return m.name == "test/loss"; });
  ASSERT_NE(loss, straight.metrics.end());
  EXPECT_EQ(loss->summary.num_seeds, 3);
  ASSERT_TRUE(loss->summary.standard_error);
  EXPECT_GT(*loss->summary.standard_error, 0);

  RunOptions stopped = options_for(folder / "stopped", options.set);
  stopped.stop_after_steps = 100; // within the first seed
  EXPECT_EQ(train(stopped).seeds.size(), 1u);
  stopped.resume = true;
  stopped.stop_after_steps = -1;
  const RunResult resumed = train(stopped);
  ASSERT_EQ(resumed.seeds.size(), 3u);
  for (std::size_t s = 0; s < 3; ++s)
    EXPECT_EQ(resumed.seeds[s].test, straight.seeds[s].test);
  EXPECT_EQ(train(stopped).seeds[1].test, straight.seeds[1].test) << "a finished run resumes to its result";
}

TEST(Run, FullDiskKeepsTheLastGoodCheckpoint) {
  const TemporaryFolder folder;
  const ToyOptions toy{.ballast_elements = 50000};
  RunOptions options = options_for(folder / "out");
  options.stop_after_steps = 30;
  train(options, toy);
  const std::string before = *read_file(folder / "out/seed-0/last.safetensors");
  const pid_t child = ::fork();
  if (child == 0) { // a limit on file size stands in for the full disk: the log fits, a checkpoint does not
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    options.resume = true;
    options.stop_after_steps = 60;
    const Result<RunResult> result = run_training(make_toy_artifact(toy), options);
    const bool right = !result.ok() && result.status().code() == StatusCode::kResourceExhausted &&
                       result.status().message().find("last.safetensors") != std::string::npos;
    ::_exit(right ? 0 : 1);
  }
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(*read_file(folder / "out/seed-0/last.safetensors"), before);
  for (const auto& entry : std::filesystem::directory_iterator(folder / "out/seed-0"))
    EXPECT_THAT(entry.path().string(), ::testing::Not(HasSubstr(".tmp")));
  options.resume = true;
  options.stop_after_steps = -1;
  EXPECT_EQ(train(options, toy).seeds[0].outcome, "finished");
}

TEST(Run, RefusesAnOutputThatHoldsARun) {
  const TemporaryFolder folder;
  train(options_for(folder / "out"));
  const Result<RunResult> again = run_training(make_toy_artifact(), options_for(folder / "out"));
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.status().message(), HasSubstr("already holds a run"));
  RunOptions nothing = options_for(folder / "empty");
  nothing.resume = true;
  EXPECT_THAT(run_training(make_toy_artifact(), nothing).status().message(),
              HasSubstr("holds no run to resume"));
}

TEST(Run, RefusesAnUnwritableOutput) {
  const Result<RunResult> result = run_training(make_toy_artifact(), options_for("/proc/nowhere/out"));
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.status().message(), HasSubstr("cannot create folder"));
  EXPECT_EQ(exit_code(result.status()), 1);
}

TEST(Run, AFailedStartDoesNotBlockItsFolder) {
  const TemporaryFolder folder;
  const Result<RunResult> failed =
      run_training(make_toy_artifact(), options_for(folder / "out", {{"optimizer.lr", "1e38"}}));
  ASSERT_FALSE(failed.ok());
  EXPECT_FALSE(file_exists(folder / "out/seed-0/last.safetensors"));
  std::ofstream(folder / "out/notes.txt") << "mine";
  const RunResult result = train(options_for(folder / "out"));
  EXPECT_EQ(result.seeds[0].outcome, "finished");
  EXPECT_EQ(*read_file(folder / "out/notes.txt"), "mine");
  EXPECT_EQ(log_lines(folder / "out/seed-0/log.jsonl").size(), 12u);
}

TEST(Run, TableSaysHowManyClassesAGroupHas) {
  const TemporaryFolder folder;
  const std::string table = result_table(train(options_for(folder / "out")));
  EXPECT_THAT(table, HasSubstr("minority (1 class)"));
  EXPECT_THAT(table, HasSubstr("med (2 classes)"));
  EXPECT_THAT(table, ::testing::ContainsRegex("few \\(0 classes\\) +absent +absent"));
}

TEST(Run, OutOfMemoryIsAnError) {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "out");
  options.make_executor = [](auto, const auto&) -> Result<std::unique_ptr<Executor>> {
    throw std::bad_alloc();
  };
  const Status status = run_training(make_toy_artifact(), options).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "training 'toy': out of memory");
}

// Only what says of which rows another report is has no line of its own.
TEST(Run, LogsAReportThatCountsNoOther) {
  const std::shared_ptr<const Artifact> toy = make_toy_artifact();
  ArtifactSpec spec = toy->spec();
  spec.metrics[0].name = "own.counted";
  std::vector<RawSection> sections;
  for (const SectionView& section : toy->sections())
    sections.push_back({section.name, {section.bytes.begin(), section.bytes.end()}});
  Result<std::vector<std::byte>> bytes = write_artifact(spec, sections);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const auto artifact = Artifact::from_bytes(*std::move(bytes));
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  const TemporaryFolder folder;
  const Result<RunResult> result = run_training(*artifact, options_for(folder / "out"));
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_THAT(*read_file(folder / "out/seed-0/log.jsonl"), HasSubstr("\"train/own.counted\":"));
}

TEST(Run, SetChecksKeyTypeAndLimits) {
  const TemporaryFolder folder;
  const auto refusal = [&](const char* key, const char* text) {
    Result<RunResult> result = run_training(make_toy_artifact(), options_for(folder / "out", {{key, text}}));
    EXPECT_FALSE(result.ok());
    return std::pair(result.status().message(), result.status().hint());
  };
  EXPECT_THAT(refusal("optimizer.lr", "fast").first,
              HasSubstr("'optimizer.lr' must be a number above 0, not 'fast'"));
  EXPECT_THAT(refusal("optimizer.lr", "0").first, HasSubstr("must be a number above 0, not 0"));
  EXPECT_THAT(refusal("optimizer.l", "1").second, HasSubstr("did you mean 'optimizer.lr'?"));
  const auto [message, hint] = refusal("run.batch", "64");
  EXPECT_THAT(message, HasSubstr("'run.batch' is compiled into the artifact"));
  EXPECT_THAT(hint, HasSubstr("tailor compile toy.toml --target cpu:test-kernels --set run.batch=64"));
  RunOptions batch = options_for(folder / "out");
  batch.batch = 64;
  const Status other_batch = run_training(make_toy_artifact(), batch).status();
  EXPECT_THAT(other_batch.message(), HasSubstr("is not compiled for batch 64"));
  EXPECT_EQ(other_batch.hint(), "batches are 16");
}

TEST(Run, PredictsTheSameForASubset) {
  const TemporaryFolder folder;
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<std::string> rows;
  for (int i = 0; i < 300; ++i) {
    const double x0 = normal(random), x1 = normal(random);
    rows.push_back(concat(x0, ",", x1, ",", x0 + 0.5 * normal(random) > 0 ? 1 : 0));
  }
  const auto write_csv = [&](const std::string& path, const std::vector<int>& chosen) {
    std::ofstream file(path);
    file << "x0,x1,label\n";
    for (const int i : chosen)
      file << rows[static_cast<std::size_t>(i)] << "\n";
  };
  std::vector<int> all(rows.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int> subset = {250, 3, 17, 299, 0, 42, 99, 100, 16, 15};
  write_csv(folder / "all.csv", all);
  write_csv(folder / "subset.csv", subset);
  const ToyOptions toy{.csv = folder / "all.csv"};
  train(options_for(folder / "out"), toy);

  ScoreOptions score;
  score.weights = folder / "out/seed-0/last.safetensors";
  score.make_executor = make_toy_executor;
  const auto lines_of = [&](const std::string& data) {
    score.data = folder / data;
    const Result<std::int64_t> count = predict(make_toy_artifact(toy), score, folder / (data + ".out"));
    EXPECT_TRUE(count.ok()) << count.status().message();
    std::ifstream file(folder / (data + ".out"));
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
      lines.push_back(line);
    return lines;
  };
  const std::vector<std::string> full = lines_of("all.csv"), part = lines_of("subset.csv");
  ASSERT_EQ(full.size(), rows.size() + 1);
  ASSERT_EQ(part.size(), subset.size() + 1);
  EXPECT_EQ(full[0], "row,p_0,p_1,decision");
  for (std::size_t i = 0; i < subset.size(); ++i) {
    const std::string& whole = full[static_cast<std::size_t>(subset[i]) + 1];
    EXPECT_EQ(part[i + 1].substr(part[i + 1].find(',')), whole.substr(whole.find(',')));
  }
  score.data = folder / "missing.csv";
  EXPECT_THAT(predict(make_toy_artifact(toy), score, folder / "x").status().message(),
              HasSubstr("does not exist"));
}

} // namespace
} // namespace tailor::runtime
