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
  EXPECT_FALSE(EventLog::open(folder / "no/log", 0).ok());
}

TEST(EventLog, ALostLogGoesOnWithAWarning) {
  const TemporaryFolder folder;
  const std::string path = folder / "log.jsonl";
  const auto resumed = [&] {
    testing::internal::CaptureStderr();
    {
      Result<EventLog> log = EventLog::open(path, 1000);
      EXPECT_TRUE(log.ok()) << log.status().message();
      EXPECT_TRUE(log->write(line(3)).ok());
      EXPECT_EQ(log->bytes(), static_cast<std::int64_t>(read_file(path)->size()));
    }
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(resumed(), HasSubstr("warning: '" + path + "' has 0 bytes, the checkpoint knows of 1000"));
  EXPECT_EQ(*read_file(path), "{\"epoch\":3}\n");
  ASSERT_TRUE(write_file_atomic(path, "{\"epoch\":1}\n{\"epo").ok());
  EXPECT_THAT(resumed(), HasSubstr("has 17 bytes, the checkpoint knows of 1000"));
  EXPECT_EQ(*read_file(path), "{\"epoch\":1}\n{\"epoch\":3}\n") << "whole lines stay";
}

} // namespace
} // namespace tailor::runtime
