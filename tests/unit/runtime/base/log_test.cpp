#include "runtime/base/log.h"

#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

TEST(Printable, KeepsTextAndShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(printable("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n\tx"),
            "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n\tx");
  EXPECT_EQ(printable("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(printable("a\rb\x7f"), "a\\x0db\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\xc2\\x9b31m")
      << "the control sequence introducer in two bytes";
  EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0") << "a space that does not break";
  EXPECT_EQ(printable("\x9b"
                      "31m \xC3"),
            "\\x9b31m \\xc3")
      << "not UTF-8";
}

TEST(Log, IsPrintable) {
  testing::internal::CaptureStderr();
  log_error("no column '\x1b[2J'");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error: no column '\\x1b[2J'\n");
}

} // namespace
} // namespace tailor::runtime
