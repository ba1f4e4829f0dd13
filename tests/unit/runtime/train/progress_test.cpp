#include "runtime/train/progress.h"

#include <cstdlib>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Progress, PlainLinesPerEpochWithRateAndTimeLeft) {
  testing::internal::CaptureStderr(); // a file, not a terminal
  Progress progress(false, "", 100, 0, /*may_end_early=*/false);
  progress.step(5, 0, 10, 0.5, [] { return 90.0; });
  progress.epoch(10, 0, 10, "loss 0.5", 90);
  progress.epoch(100, 9, 10, "loss 0.1", std::nullopt);
  progress.finish();
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("epoch 10/10  loss 0.1"));
  EXPECT_THAT(text, HasSubstr("steps/s"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("\r")));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("epoch 1/10"))) << "at most one line in two seconds";
}

TEST(Progress, ShowsAPendingLineAtTheEnd) {
  testing::internal::CaptureStderr();
  Progress progress(false, "", 100, 0, /*may_end_early=*/false);
  progress.epoch(10, 0, 10, "loss 0.5", 90); // stopped here
  progress.finish();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("epoch 1/10  loss 0.5"), HasSubstr("1 m 30 s left\n")));
}

TEST(Progress, TheTimeLeftIsTheMostOfARunThatMayEndEarly) {
  testing::internal::CaptureStderr();
  Progress progress(false, "", 100, 0, /*may_end_early=*/true);
  progress.epoch(10, 0, 10, "loss 0.5", 90);
  progress.finish();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("1 m 30 s left at most\n"));
}

TEST(Progress, QuietSaysNothing) {
  testing::internal::CaptureStderr();
  Progress progress(true, "", 100, 0, false);
  progress.epoch(100, 9, 10, "loss", 0);
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

/// stderr as a terminal of so many columns.
class Terminal {
public:
  explicit Terminal(unsigned short columns) : saved_(::dup(STDERR_FILENO)) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) return;
    const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    const winsize size{24, columns, 0, 0};
    works_ = slave >= 0 && ::ioctl(slave, TIOCSWINSZ, &size) == 0 && ::dup2(slave, STDERR_FILENO) >= 0;
    ::close(slave);
  }
  ~Terminal() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    ::close(master_);
  }
  bool works() const { return works_; }
  std::string shown() const {
    char buffer[4096];
    const ssize_t got = ::read(master_, buffer, sizeof(buffer));
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

private:
  int saved_, master_ = -1;
  bool works_ = false;
};

TEST(Progress, ARewrittenLineIsNoWiderThanTheTerminal) {
  std::string text;
  {
    const Terminal terminal(30);
    if (!terminal.works()) GTEST_SKIP() << "no pseudo-terminal here";
    Progress progress(false, "", 1'000'000, 0, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    progress.step(123'456, 3, 10, 1.371315795e32, [] { return 90.0; });
    text = terminal.shown();
  }
  EXPECT_EQ(text, "\repoch 4/10  step 123456/10000");
  EXPECT_EQ(text.size(), 1u + 29u);
}

} // namespace
} // namespace tailor::runtime
