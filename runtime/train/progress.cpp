#include "runtime/train/progress.h"

#include "runtime/base/log.h"
#include "runtime/base/status.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tailor::runtime {
namespace {

std::size_t terminal_columns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : kUsual;
}

} // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  char buffer[48];
  if (whole >= 3600)
    std::snprintf(buffer, sizeof(buffer), "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  else if (whole >= 60)
    std::snprintf(buffer, sizeof(buffer), "%lld m %lld s", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  else
    std::snprintf(buffer, sizeof(buffer), "%lld s", static_cast<long long>(whole));
  return buffer;
}

Progress::Progress(bool quiet, std::string stage, std::int64_t total_steps, std::int64_t steps_done,
                   bool may_end_early)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), may_end_early_(may_end_early),
      head_(stage.empty() ? std::string() : concat("stage ", stage, "  ")), total_steps_(total_steps),
      first_step_(steps_done), start_(Clock::now()), last_shown_(start_) {}

std::string Progress::rate_and_time_left(std::int64_t step, std::optional<double> seconds_left) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto done = static_cast<double>(step - first_step_);
  if (done <= 0 || seconds <= 0) return "";
  char buffer[96];
  std::snprintf(buffer, sizeof(buffer), "  %.*f steps/s", done / seconds < 10 ? 2 : 0, done / seconds);
  if (!seconds_left) return buffer;
  return concat(buffer, "  ", duration_text(*seconds_left), may_end_early_ ? " left at most" : " left");
}

void Progress::show(std::string line, bool keep) {
  line = printable(line); // names of classes come from data
  // A wrapped line cannot be rewritten. What stays is shown whole.
  if (terminal_ && !keep) line.resize(std::min(line.size(), terminal_columns() - 1));
  // Spaces wipe what a longer line left behind.
  std::string text =
      terminal_ ? "\r" + line + std::string(width_ > line.size() ? width_ - line.size() : 0, ' ') : line;
  if (keep) text += '\n';
  width_ = keep ? 0 : line.size();
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  last_shown_ = Clock::now();
}

void Progress::step(std::int64_t step, std::int64_t epoch, std::int64_t num_epochs, double loss,
                    const TimeLeftFunction& seconds_left) {
  constexpr std::chrono::milliseconds kRewritten(100), kPlain = std::chrono::minutes(10);
  if (quiet_ || Clock::now() - last_shown_ < (terminal_ ? kRewritten : kPlain)) return;
  char buffer[128];
  std::snprintf(buffer, sizeof(buffer), "epoch %lld/%lld  step %lld/%lld  loss %.4g",
                static_cast<long long>(epoch + 1), static_cast<long long>(num_epochs),
                static_cast<long long>(step), static_cast<long long>(total_steps_), loss);
  show(head_ + buffer + rate_and_time_left(step, seconds_left()), /*keep=*/!terminal_);
}

void Progress::epoch(std::int64_t step, std::int64_t epoch, std::int64_t num_epochs,
                     const std::string& summary, std::optional<double> seconds_left) {
  if (quiet_) return;
  pending_ = concat(head_, "epoch ", epoch + 1, "/", num_epochs, "  ", summary,
                    rate_and_time_left(step, seconds_left));
  if (epoch + 1 < num_epochs && Clock::now() - last_shown_ < std::chrono::seconds(2)) return;
  show(pending_, true);
  pending_.clear();
}

void Progress::finish() {
  if (quiet_) return;
  if (!pending_.empty())
    show(pending_, true);
  else if (width_ > 0)
    show("", true);
  pending_.clear();
}

} // namespace tailor::runtime
