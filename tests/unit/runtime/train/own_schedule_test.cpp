// A schedule of one's own, in one file: what runtime/train/schedules/README.md says.
#include "runtime/options/key_table.h"
#include "runtime/options/schedule_keys.h"
#include "runtime/train/schedule.h"

#include <cmath>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

struct DecayKeys {
  double half_life = 10;

  static const KeySet<DecayKeys>& keys() {
    static const KeySet<DecayKeys> set{ScheduleKeys::key_prefix(),
                                       {key("half_life", &DecayKeys::half_life,
                                            {.min = 0.1, .text = "epochs in which schedule decay halves"})}};
    return set;
  }
};

const Registered<ScheduleSpec> registered{
    {.name = "decay",
     .text = "2^(-e / half_life)",
     .keys = DecayKeys::keys().specs(),
     .make = [](const ScheduleRequest& request) -> Result<ScheduleCurve> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const DecayKeys keys,
                                     read_keys<DecayKeys>(request.options, request.prefix));
       return ScheduleCurve{[half_life = keys.half_life](const TrainingClock& clock) {
         return std::exp2(-static_cast<double>(clock.epoch()) / half_life);
       }};
     }}};

double factor(const Options& options, const std::string& prefix, std::int64_t epoch) {
  const Result<Schedule> schedule = Schedule::create(options, prefix);
  EXPECT_TRUE(schedule.ok()) << schedule.status().message();
  return schedule.ok() ? schedule->factor({epoch * 10, 10, 200}) : -1;
}

TEST(OwnSchedule, IsNamedAndKeyedBelowEveryPrefix) {
  EXPECT_THAT(registration_problems(), ::testing::IsEmpty());
  Options options;
  options.set("schedule.name", "decay");
  options.set("control.weight.schedule.name", "decay");
  options.set("control.weight.schedule.half_life", 5);
  EXPECT_EQ(factor(options, "schedule", 10), 0.5);
  EXPECT_EQ(factor(options, "control.weight.schedule", 10), 0.25);
  options.set("control.weight.schedule.half_life", 0);
  EXPECT_THAT(Schedule::create(options, "control.weight.schedule").status().message(),
              ::testing::HasSubstr("'control.weight.schedule.half_life' must be"));
}

TEST(OwnSchedule, IsInTheTableAndInHints) {
  ASSERT_NE(find_key("schedule.half_life"), nullptr);
  EXPECT_EQ(find_key("schedule.half_life")->only_if, "schedule.name|schedule.pieces = decay");
  EXPECT_THAT(find_key("schedule.name")->words(), ::testing::Contains("decay"));
  Options options;
  options.set("schedule.name", "decays");
  EXPECT_THAT(Schedule::create(options, "schedule").status().message(), ::testing::HasSubstr("decay |"));
}

// A schedule is a piece too.
TEST(OwnSchedule, MayBeAPiece) {
  Options options;
  options.set("schedule.name", "pieces");
  options.set("schedule.pieces", OptionValue(OptionValue::List{"constant", "decay"}));
  EXPECT_EQ(factor(options, "schedule", 9), 1.0);
  EXPECT_EQ(factor(options, "schedule", 10), 1.0);
  EXPECT_EQ(factor(options, "schedule", 19), std::exp2(-0.9));
}

} // namespace
} // namespace tailor::runtime
