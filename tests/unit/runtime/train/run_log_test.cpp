#include "runtime/train/run_log.h"

#include "runtime/base/file.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

OptionValue line(int number) {
  return OptionValue(OptionValue::Table{{"epoch", OptionValue(number)}});
}

TEST(EventLog, GoesOnWhereTheCheckpointStood) {
  const TemporaryFolder folder;
  const std::string path = folder / "log.jsonl";
  std::int64_t kept = 0;
  {
    Result<EventLog> log = EventLog::open(path, 0);
    ASSERT_TRUE(log.ok()) << log.status().message();
    ASSERT_TRUE(log->write(line(1)).ok());
    kept = log->bytes();
    ASSERT_TRUE(log->write(line(2)).ok());
  }
  {
    Result<EventLog> log = EventLog::open(path, kept);
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE(log->write(line(3)).ok());
    EXPECT_EQ(log->bytes(), static_cast<std::int64_t>(read_file(path)->size())) << "written through at once";
  }
  EXPECT_EQ(*read_file(path), "{\"epoch\":1}\n{\"epoch\":3}\n");
  EXPECT_THAT(EventLog::open(path, 1000).status().message(),
              HasSubstr("has 24 bytes, the checkpoint knows of 1000"));
  EXPECT_FALSE(EventLog::open(folder / "no/log", 0).ok());
}

TEST(Progress, PlainLinesPerEpochWithRateAndTimeLeft) {
  testing::internal::CaptureStderr(); // a file, not a terminal
  Progress progress(false, 100, 0);
  progress.step(5, 0, 10, 0.5);
  progress.epoch(10, 0, 10, "loss 0.5");
  progress.epoch(100, 9, 10, "loss 0.1");
  progress.finish();
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("epoch 10/10  loss 0.1"));
  EXPECT_THAT(text, HasSubstr("steps/s"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("\r")));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("epoch 1/10"))) << "at most one line in two seconds";
}

TEST(Progress, ShowsAPendingLineAtTheEnd) {
  testing::internal::CaptureStderr();
  Progress progress(false, 100, 0);
  progress.epoch(10, 0, 10, "loss 0.5"); // stopped here
  progress.finish();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("epoch 1/10  loss 0.5"));
}

TEST(Progress, QuietSaysNothing) {
  testing::internal::CaptureStderr();
  Progress progress(true, 100, 0);
  progress.epoch(100, 9, 10, "loss");
  progress.finish();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(DurationText, ReadsWell) {
  EXPECT_EQ(duration_text(0.2), "0 s");
  EXPECT_EQ(duration_text(59.6), "1 m 0 s");
  EXPECT_EQ(duration_text(200), "3 m 20 s");
  EXPECT_EQ(duration_text(3920), "1:05:20");
  EXPECT_EQ(duration_text(-5), "0 s");
}

} // namespace
} // namespace tailor::runtime
