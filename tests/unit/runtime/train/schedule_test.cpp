#include "runtime/train/schedule.h"

#include <cmath>
#include <gmock/gmock.h>
#include <numbers>

namespace tailor::runtime {
namespace {

/// pi a / b rounds differently from pi (a / b); cosines near -1 cancel.
constexpr double kRounding = 1e-15;

Schedule schedule(const std::string& name, Options options = {}) {
  options.set("schedule.name", OptionValue(name));
  Result<Schedule> result = Schedule::create(options, "schedule");
  EXPECT_TRUE(result.ok()) << result.status().message();
  return *std::move(result);
}

/// Factor at the first step of epoch e of E, ten steps each.
double at_epoch(const Schedule& schedule, std::int64_t epoch, std::int64_t num_epochs) {
  return schedule.factor({epoch * 10, 10, num_epochs * 10});
}

TEST(Schedule, IsConstantWithoutAName) {
  const Result<Schedule> none = Schedule::create({}, "schedule");
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(at_epoch(*none, 7, 10), 1.0);
}

TEST(Schedule, WarmupCosinePerEpoch) {
  const Schedule s = schedule("warmup_cosine"); // W = 5
  for (int e = 0; e < 5; ++e)
    EXPECT_DOUBLE_EQ(at_epoch(s, e, 30), (e + 1) / 5.0);
  for (int e = 5; e < 30; ++e)
    EXPECT_NEAR(at_epoch(s, e, 30), 0.5 * (1 + std::cos(std::numbers::pi * (e - 5) / 25.0)), kRounding);
  EXPECT_EQ(s.factor({59, 10, 300}), s.factor({50, 10, 300})) << "constant within an epoch";
}

TEST(Schedule, WarmupCosinePerStep) {
  Options options;
  options.set("schedule.per", OptionValue("step"));
  options.set("schedule.warmup_epochs", OptionValue(2));
  const Schedule s = schedule("warmup_cosine", options);
  for (int step = 0; step < 20; ++step)
    EXPECT_DOUBLE_EQ(s.factor({step, 10, 100}), (step + 1) / 20.0);
  for (int step = 20; step < 100; ++step)
    EXPECT_NEAR(s.factor({step, 10, 100}), 0.5 * (1 + std::cos(std::numbers::pi * (step - 20) / 80.0)),
                kRounding);
}

TEST(Schedule, CosineStartsAtThePeak) {
  const Schedule s = schedule("cosine");
  EXPECT_EQ(at_epoch(s, 0, 20), 1.0);
  EXPECT_DOUBLE_EQ(at_epoch(s, 10, 20), 0.5);
  EXPECT_DOUBLE_EQ(at_epoch(s, 19, 20), 0.5 * (1 + std::cos(std::numbers::pi * 19 / 20.0)));
  EXPECT_NEAR(at_epoch(s, 20, 20), 0.0, 1e-16);
}

TEST(Schedule, StepAtMilestones) {
  Options options;
  options.set("schedule.milestones", OptionValue(OptionValue::List{OptionValue(3), OptionValue(6)}));
  options.set("schedule.factor", OptionValue(0.5));
  const Schedule s = schedule("step", options);
  EXPECT_EQ(at_epoch(s, 2, 10), 1.0);
  EXPECT_EQ(at_epoch(s, 3, 10), 0.5);
  EXPECT_EQ(at_epoch(s, 5, 10), 0.5);
  EXPECT_EQ(at_epoch(s, 6, 10), 0.25);
}

TEST(Schedule, LdamAndMislasSteps) {
  const Schedule ldam = schedule("ldam_step"), mislas = schedule("mislas_step");
  const struct {
    int epoch;
    double ldam, mislas;
  } rows[] = {{0, 0.2, 0.2},     {4, 1, 1},         {5, 1, 1},         {159, 1, 1},
              {160, 1e-2, 1e-1}, {179, 1e-2, 1e-1}, {180, 1e-4, 1e-2}, {199, 1e-4, 1e-2}};
  for (const auto& row : rows) {
    EXPECT_DOUBLE_EQ(at_epoch(ldam, row.epoch, 200), row.ldam) << row.epoch;
    EXPECT_DOUBLE_EQ(at_epoch(mislas, row.epoch, 200), row.mislas) << row.epoch;
  }
}

// The drops follow the length of the run; a run of 30 epochs once kept the peak to its end.
TEST(Schedule, LdamAndMislasStepsAtSharesOfTheRun) {
  const Schedule ldam = schedule("ldam_step"), mislas = schedule("mislas_step");
  const struct {
    int epoch, epochs;
    double ldam, mislas;
  } rows[] = {{0, 30, 0.2, 0.2},    {5, 30, 1, 1},        {23, 30, 1, 1},       {24, 30, 1e-2, 1e-1},
              {26, 30, 1e-2, 1e-1}, {27, 30, 1e-4, 1e-2}, {29, 30, 1e-4, 1e-2}, {8, 10, 1e-2, 1e-1},
              {9, 10, 1e-4, 1e-2},  {160, 300, 1, 1},     {0, 4, 0.5, 0.5},     {2, 4, 1, 1}};
  for (const auto& row : rows) {
    EXPECT_DOUBLE_EQ(at_epoch(ldam, row.epoch, row.epochs), row.ldam) << row.epoch << " of " << row.epochs;
    EXPECT_DOUBLE_EQ(at_epoch(mislas, row.epoch, row.epochs), row.mislas)
        << row.epoch << " of " << row.epochs;
  }
}

TEST(Schedule, SamStepAtExactTenths) {
  const Schedule s = schedule("sam_step");
  const double expected[] = {1, 1, 1, 0.2, 0.2, 0.2, 0.04, 0.04, 0.008, 0.008};
  for (int e = 0; e < 10; ++e)
    EXPECT_DOUBLE_EQ(at_epoch(s, e, 10), expected[e]) << e;
}

Options numbers(const char* key, std::vector<double> values) {
  Options options;
  options.set(key, OptionValue(OptionValue::List(values.begin(), values.end())));
  return options;
}

TEST(Schedule, ListHasOneValueAnEpoch) {
  const Schedule s = schedule("list", numbers("schedule.values", {1, 0.5, 0.25}));
  EXPECT_EQ(at_epoch(s, 0, 5), 1.0);
  EXPECT_EQ(at_epoch(s, 1, 5), 0.5);
  EXPECT_EQ(s.factor({19, 10, 50}), 0.5);
  EXPECT_EQ(at_epoch(s, 2, 5), 0.25);
  EXPECT_EQ(at_epoch(s, 4, 5), 0.25);
}

TEST(Schedule, CurveIsLinearBetweenItsValues) {
  Options options = numbers("schedule.values", {0, 1, 0.5});
  EXPECT_DOUBLE_EQ(at_epoch(schedule("curve", options), 1, 4), 0.5);
  EXPECT_DOUBLE_EQ(at_epoch(schedule("curve", options), 2, 4), 1.0);
  EXPECT_DOUBLE_EQ(at_epoch(schedule("curve", options), 3, 4), 0.75);
  EXPECT_DOUBLE_EQ(at_epoch(schedule("curve", options), 4, 4), 0.5);
  options.set("schedule.per", "step");
  EXPECT_DOUBLE_EQ(schedule("curve", options).factor({5, 10, 40}), 0.25);
}

// Each piece counts its own epochs: of 10 the first 3 warm up, the cosine is one of 7.
TEST(Schedule, PiecesFollowOneAnother) {
  Options options = numbers("schedule.piece_ends", {0.3, 1});
  options.set("schedule.pieces", OptionValue(OptionValue::List{"curve", "cosine"}));
  options.set("schedule.values", OptionValue(OptionValue::List{0.0, 1.0}));
  const Schedule s = schedule("pieces", options);
  for (int e = 0; e < 3; ++e)
    EXPECT_DOUBLE_EQ(at_epoch(s, e, 10), e / 3.0);
  for (int e = 3; e < 10; ++e)
    EXPECT_NEAR(at_epoch(s, e, 10), 0.5 * (1 + std::cos(std::numbers::pi * (e - 3) / 7.0)), kRounding);
  EXPECT_DOUBLE_EQ(at_epoch(s, 3, 10), 1.0);
  // 0.1 * 30 is above 3 in binary, and still three epochs.
  options.set("schedule.piece_ends", OptionValue(OptionValue::List{0.1, 1.0}));
  EXPECT_DOUBLE_EQ(at_epoch(schedule("pieces", options), 3, 30), 1.0);
}

TEST(Schedule, PiecesHavePeaksAndKeysOfTheirOwn) {
  Options options = numbers("schedule.piece_peaks", {1, 0.1});
  options.set("schedule.pieces", OptionValue(OptionValue::List{"step", "step"}));
  options.set("schedule.factor", 0.5);
  options.set("schedule.milestones", OptionValue(OptionValue::List{1}));
  options.set("schedule.piece1.milestones", OptionValue(OptionValue::List{2}));
  const Schedule s = schedule("pieces", options);
  const double expected[] = {1, 0.5, 0.5, 0.1, 0.1, 0.05};
  for (int e = 0; e < 6; ++e)
    EXPECT_DOUBLE_EQ(at_epoch(s, e, 6), expected[e]) << e;
}

TEST(Schedule, PiecesThatDoNotFitAreRefused) {
  const auto refusal = [](const Options& options) {
    Options named = options;
    named.set("schedule.name", "pieces");
    return Schedule::create(named, "schedule").status().message();
  };
  EXPECT_THAT(refusal({}), ::testing::HasSubstr("'schedule.pieces' is empty"));
  Options options = numbers("schedule.piece_ends", {0.5});
  options.set("schedule.pieces", OptionValue(OptionValue::List{"constant", "cosine"}));
  EXPECT_THAT(refusal(options), ::testing::HasSubstr("has 1 values for 2 pieces"));
  options.set("schedule.piece_ends", OptionValue(OptionValue::List{0.5, 0.4}));
  EXPECT_THAT(refusal(options), ::testing::HasSubstr("must ascend to 1, not [0.5,0.4]"));
  options = {};
  options.set("schedule.pieces", OptionValue(OptionValue::List{"pieces"}));
  EXPECT_THAT(refusal(options), ::testing::HasSubstr("itself"));
  options.set("schedule.pieces", OptionValue(OptionValue::List{"cosin"}));
  EXPECT_FALSE(refusal(options).empty());
}

TEST(Schedule, RefusesNonsense) {
  Options options;
  options.set("schedule.name", OptionValue("cosin"));
  EXPECT_THAT(Schedule::create(options, "schedule").status().message(),
              ::testing::HasSubstr("unknown schedule 'cosin'"));
  options.set("schedule.name", OptionValue("step"));
  options.set("schedule.milestones", OptionValue(OptionValue::List{OptionValue(6), OptionValue(3)}));
  EXPECT_THAT(Schedule::create(options, "schedule").status().message(),
              ::testing::HasSubstr("must be ascending"));
  options.set("schedule.milestones", OptionValue(OptionValue::List{}));
  EXPECT_THAT(Schedule::create(options, "schedule").status().message(),
              ::testing::HasSubstr("'schedule.milestones' is empty"));
}

// A warm-up that fills the run never reaches the peak; one that nobody asked for gives way.
TEST(Schedule, WarmupLeavesRoomForTheRest) {
  Options options;
  options.set("schedule.name", OptionValue("warmup_cosine"));
  options.set("run.epochs", OptionValue(3));
  const Result<Schedule> derived = Schedule::create(options, "schedule");
  ASSERT_TRUE(derived.ok());
  EXPECT_EQ(at_epoch(*derived, 0, 3), 1.0); // W = 1
  EXPECT_EQ(at_epoch(*derived, 1, 3), 1.0);
  EXPECT_EQ(at_epoch(*derived, 0, 1), 1.0);  // W = 0
  EXPECT_EQ(at_epoch(*derived, 0, 20), 0.2); // W = 5
  options.set("schedule.warmup_epochs", OptionValue(3));
  EXPECT_EQ(warmup_note(options),
            "schedule.warmup_epochs is 3 in a run of 3 epochs: the rate never reaches its peak");
  options.set("run.epochs", OptionValue(4));
  EXPECT_EQ(warmup_note(options), "");
  options.set("run.epochs", OptionValue(1));
  options.set("run.steps", OptionValue(1000)); // decides the length instead of the epochs
  EXPECT_EQ(warmup_note(options), "");
}

} // namespace
} // namespace tailor::runtime
