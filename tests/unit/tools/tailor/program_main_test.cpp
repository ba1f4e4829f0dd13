// The command line of a user's binary: what the program's own code throws is not called a bug of the tool.
#include "frontend/main.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace tailor {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string output_of(const std::function<std::shared_ptr<TrainingProgram>()>& build, int expected) {
  char name[] = "mine", command[] = "train";
  char* arguments[] = {name, command, nullptr};
  testing::internal::CaptureStderr();
  EXPECT_EQ(main(2, arguments, build), expected);
  return testing::internal::GetCapturedStderr();
}

TEST(ProgramMain, WhatTheBuilderThrowsIsTheProgramsOwn) {
  const std::string text = output_of(
      []() -> std::shared_ptr<TrainingProgram> { throw std::runtime_error("no costs.csv here"); }, 1);
  EXPECT_THAT(text, HasSubstr("error: program: the program's code threw: no costs.csv here"));
  EXPECT_THAT(text, Not(HasSubstr("bug")));
  EXPECT_THAT(output_of([]() -> std::shared_ptr<TrainingProgram> { throw 7; }, 1),
              HasSubstr("threw something that is no std::exception"));
}

TEST(ProgramMain, ABuilderThatGivesNothingIsSaid) {
  EXPECT_THAT(output_of([] { return std::shared_ptr<TrainingProgram>(); }, 1), HasSubstr("gave no program"));
}

} // namespace
} // namespace tailor
