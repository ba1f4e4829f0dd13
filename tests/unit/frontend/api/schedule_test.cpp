#include "frontend/optimizers/schedule.h"

#include <cmath>
#include <gmock/gmock.h>
#include <map>

namespace tailor {
namespace {

using testing::HasSubstr;

std::map<std::string, std::string> recorded(const Schedule& schedule) {
  std::map<std::string, std::string> options;
  for (const auto& [key, value] : options_of(schedule))
    options[key] = value.to_json();
  return options;
}

TEST(Schedule, ListIsFactorsOnItsLargestValue) {
  const Schedule s = schedule::list({0.1, 0.4, 0.2});
  EXPECT_EQ(problem_of(s), "");
  EXPECT_EQ(s.peak, 0.4);
  EXPECT_EQ(recorded(s)["name"], "\"list\"");
  EXPECT_EQ(recorded(s)["values"], "[0.25,1.0,0.5]");
}

TEST(Schedule, CurveIsSampledOverTheRun) {
  const Schedule s = schedule::curve([](double p) { return 2 * (1 - p) * (1 - p); });
  ASSERT_EQ(s.values.size(), 257u);
  EXPECT_EQ(s.peak, 2);
  EXPECT_EQ(s.values[0], 1);
  EXPECT_EQ(s.values[128], 0.25);
  EXPECT_EQ(s.values[256], 0);
  // As documented: |value''| is 4, the error at most 4 / (8 * 256^2).
  const double between = 2 * (s.values[10] + s.values[11]) / 2, exact = 2 * std::pow(1 - 10.5 / 256, 2);
  EXPECT_NEAR(between, exact, 4 / (8 * 256.0 * 256.0) * 1.0001);
}

TEST(Schedule, PiecesKeepTheirOwnArguments) {
  const Schedule s = schedule::pieces(
      {{0.1, schedule::warmup_cosine({.peak = 0.5, .warmup_epochs = 2})}, {1, schedule::constant(0.05)}});
  EXPECT_EQ(problem_of(s), "");
  std::map<std::string, std::string> options = recorded(s);
  EXPECT_EQ(s.peak, 0.5);
  EXPECT_EQ(options["pieces"], "[\"warmup_cosine\",\"constant\"]");
  EXPECT_EQ(options["piece_ends"], "[0.1,1.0]");
  EXPECT_EQ(options["piece_peaks"], "[1.0,0.1]");
  EXPECT_EQ(options["piece0.warmup_epochs"], "2.0");
}

TEST(Schedule, ProblemsAreNamed) {
  EXPECT_THAT(problem_of(schedule::list({})), HasSubstr("no values"));
  EXPECT_THAT(problem_of(schedule::list({1, NAN})), HasSubstr("value 1"));
  EXPECT_THAT(problem_of(schedule::pieces({})), HasSubstr("no pieces"));
  EXPECT_THAT(problem_of(schedule::pieces({{0.5, schedule::constant(1)}})), HasSubstr("must end at 1"));
  EXPECT_THAT(problem_of(schedule::pieces({{0.5, schedule::constant(1)}, {0.2, schedule::constant(1)}})),
              HasSubstr("piece 1 that ends at 0.2"));
  EXPECT_THAT(problem_of(schedule::pieces({{1, schedule::pieces({{1, schedule::constant(1)}})}})),
              HasSubstr("pieces within piece 0"));
  EXPECT_THAT(problem_of(schedule::pieces({{1, schedule::step({.peak = 1, .milestones = {}})}})),
              HasSubstr("has no milestones"));
}

} // namespace
} // namespace tailor
