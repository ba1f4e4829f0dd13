#include "runtime/train/time_left.h"

#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

/// What the parts of a stage take, on a clock that the test is.
struct Truth {
  TimeLeft::Stage stage;
  double step_seconds = 0, batch_seconds = 0;
};

struct Run {
  std::vector<Truth> stages;
  std::int64_t seeds = 1;
  double checkpoint_seconds = 0.05;
  TimeLeft::Position start = {}; ///< of a resumed run, in its first seed
  std::int64_t steps_per_launch = 8;
};

/// Does what the trainer does; `said` is what was told when the share `at` of all seconds had passed, beside what was
/// left then.
class FakeRun {
public:
  FakeRun(const Run& run, double at) : run_(run) {
    play(0); // how long is it?
    const double whole = now_;
    now_ = 0, said_ = {};
    play(at * whole);
    left_ = whole - asked_at_;
  }
  std::optional<double> said() const { return said_; }
  double left() const { return left_; }

private:
  void play(double ask_at) {
    TimeLeft time_left;
    std::vector<TimeLeft::Stage> stages;
    for (const Truth& truth : run_.stages)
      stages.push_back(truth.stage);
    last_save_ = 0;
    for (std::int64_t seed = 0; seed < run_.seeds; ++seed) {
      time_left.plan(stages, std::uint64_t{1} << 20);
      time_left.later_seeds(std::vector<TimeLeft::Position>(std::size_t(run_.seeds - seed - 1)));
      TimeLeft::Position position = seed == 0 ? run_.start : TimeLeft::Position();
      for (; position.stage < std::ssize(stages); position = {position.stage + 1, 0, 0})
        play_stage(time_left, position, ask_at);
    }
  }

  void play_stage(TimeLeft& time_left, TimeLeft::Position& position, double ask_at) {
    const Truth& truth = run_.stages[std::size_t(position.stage)];
    const TimeLeft::Stage& stage = truth.stage;
    time_left.begin_stage();
    bool first = true;
    while (position.steps < stage.steps) {
      const std::int64_t in_epoch = position.steps % stage.steps_per_epoch;
      const std::int64_t count =
          std::min({run_.steps_per_launch, stage.steps_per_epoch - in_epoch, stage.steps - position.steps});
      // The first launch meets cold memory; every other one is a little faster or slower.
      const double jitter = first ? 3 : 0.9 + 0.2 * double(launches_++ % 2);
      first = false;
      time_left.launched(position.stage, count, spend(double(count) * truth.step_seconds * jitter));
      position.steps += count;
      ask(time_left, position, ask_at);
      const bool ends_epoch = position.steps % stage.steps_per_epoch == 0 || position.steps == stage.steps;
      if (ends_epoch) {
        time_left.evaluated(position.stage, stage.epoch_batches,
                            spend(double(stage.epoch_batches) * truth.batch_seconds));
        ++position.epochs;
        ask(time_left, position, ask_at);
      }
      const bool by_epoch =
          ends_epoch && stage.checkpoint_epochs > 0 && position.epochs % stage.checkpoint_epochs == 0;
      const bool by_time = stage.checkpoint_seconds > 0 && now_ - last_save_ >= stage.checkpoint_seconds;
      if (by_epoch || by_time) save(time_left);
    }
    if (stage.end_batches > 0)
      time_left.evaluated(position.stage, stage.end_batches,
                          spend(double(stage.end_batches) * truth.batch_seconds));
    save(time_left);
  }

  void save(TimeLeft& time_left) {
    time_left.saved(spend(run_.checkpoint_seconds));
    last_save_ = now_;
  }
  double spend(double seconds) {
    now_ += seconds;
    return seconds;
  }
  void ask(const TimeLeft& time_left, const TimeLeft::Position& position, double ask_at) {
    if (ask_at <= 0 || said_ || now_ < ask_at) return;
    said_ = time_left.seconds(position);
    asked_at_ = now_;
  }

  Run run_;
  double now_ = 0, last_save_ = 0, asked_at_ = 0, left_ = 0;
  std::int64_t launches_ = 0;
  std::optional<double> said_;
};

/// Right within ten percent after one percent of the run, and after a third and nine tenths of it.
void expect_right(const Run& run) {
  for (const double at : {0.01, 0.33, 0.9}) {
    const FakeRun fake(run, at);
    ASSERT_TRUE(fake.said()) << at;
    EXPECT_NEAR(*fake.said(), fake.left(), 0.1 * fake.left()) << "after " << 100 * at << " % of the run";
  }
}

Truth small_images(std::int64_t epochs) {
  return {{.steps = 313 * epochs,
           .steps_per_epoch = 313,
           .epoch_batches = 40,
           .end_batches = 40,
           .step_work = 3,
           .batch_work = 2,
           .checkpoint_seconds = 600},
          0.03,
          0.02};
}

TEST(TimeLeft, OfAPlainRun) {
  expect_right({{small_images(100)}});
}

TEST(TimeLeft, CountsEvaluationsBeforeTheFirst) {
  Truth truth = small_images(30);
  truth.stage.steps_per_epoch *= 10; // one percent is a thirtieth of an epoch
  truth.stage.epoch_batches *= 10;
  truth.batch_seconds *= 1.3; // slower than its work says
  expect_right({{truth}});
}

TEST(TimeLeft, CountsEvaluationsThatTakeAsLongAsTraining) {
  Truth truth = small_images(200);
  truth.stage.epoch_batches = truth.stage.end_batches = 400;
  expect_right({{truth}});
}

TEST(TimeLeft, CountsCheckpoints) {
  Truth truth = small_images(200);
  truth.stage.checkpoint_epochs = 1;
  expect_right({.stages = {truth}, .checkpoint_seconds = 3});
  truth.stage.checkpoint_epochs = 0;
  truth.stage.checkpoint_seconds = 5; // two of seven seconds are checkpoints
  expect_right({.stages = {truth}, .checkpoint_seconds = 2});
}

TEST(TimeLeft, CountsStagesThatHaveNotRun) {
  Truth head = small_images(60);
  head.stage.step_work = 1; // trains the head alone
  head.step_seconds = 0.0105;
  expect_right({{small_images(100), head}});
}

TEST(TimeLeft, CountsSeeds) {
  expect_right({.stages = {small_images(20)}, .seeds = 5});
}

TEST(TimeLeft, OfAResumedRun) {
  expect_right({.stages = {small_images(100), small_images(20)}, .start = {0, 313 * 60 + 100, 60}});
  expect_right({.stages = {small_images(100), small_images(20)}, .seeds = 2, .start = {1, 313 * 4, 4}});
}

TEST(TimeLeft, FollowsAMachineThatBecomesBusy) {
  TimeLeft time_left;
  time_left.plan({{.steps = 100'000, .steps_per_epoch = 1000, .step_work = 1}}, 0);
  for (int i = 0; i < 2000; ++i)
    time_left.launched(0, 1, 1);
  for (int i = 0; i < 3000; ++i)
    time_left.launched(0, 1, 2);
  EXPECT_NEAR(*time_left.seconds({0, 50'000, 50}), 50'000 * 2, 5'000);
}

TEST(TimeLeft, KnowsNothingBeforeTheFirstLaunch) {
  TimeLeft time_left;
  time_left.plan({small_images(1).stage}, 0);
  EXPECT_FALSE(time_left.seconds({}));
}

TEST(TimeLeft, ComparesVariantsByTheirCommands) {
  Variant variant;
  variant.batch = 32;
  EXPECT_EQ(work_of(variant, /*trains=*/true), 3 * work_of(variant, false)) << "interpreted: rows";
  variant.commands.resize(2);
  variant.commands[0].flops = 1'000'000'000;
  const double arithmetic = work_of(variant, true);
  variant.commands[1].bytes_moved = 1'000'000'000;
  EXPECT_GT(work_of(variant, true), 2 * arithmetic) << "bytes cost too";
}

} // namespace
} // namespace tailor::runtime
