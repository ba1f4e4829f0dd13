#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace tailor::runtime {

/// The line at the terminal: rewritten in place, no wider than it, when stderr is one; else a plain line per
/// epoch, at most one every two seconds (and always the last), so that logs of short epochs stay readable, and one every
/// ten minutes within a long epoch.
class Progress {
public:
  /// `stage` stands at the head of a line; empty where there is but one. Where a run may end early, the time left
  /// is said to be the most.
  Progress(bool quiet, std::string stage, std::int64_t total_steps, std::int64_t steps_done,
           bool may_end_early);

  /// Seconds to the end of the run, if known.
  using TimeLeftFunction = std::function<std::optional<double>()>;

  /// After every launch; cheap when nothing is due.
  void step(std::int64_t step, std::int64_t epoch, std::int64_t num_epochs, double loss,
            const TimeLeftFunction& seconds_left);
  /// After every epoch: `summary` is what was measured, for example "loss 0.31  val/accuracy 0.84".
  void epoch(std::int64_t step, std::int64_t epoch, std::int64_t num_epochs, const std::string& summary,
             std::optional<double> seconds_left);
  /// Ends a rewritten line.
  void finish();

private:
  using Clock = std::chrono::steady_clock;
  std::string rate_and_time_left(std::int64_t step, std::optional<double> seconds_left) const;
  void show(std::string line, bool keep);

  bool quiet_, terminal_, may_end_early_;
  std::string head_; ///< of a line
  std::int64_t total_steps_, first_step_;
  Clock::time_point start_, last_shown_;
  std::string pending_;   ///< a plain line not yet shown
  std::size_t width_ = 0; ///< of the line that is rewritten next
};

/// "1:05:20", "3 m 20 s", "12 s".
std::string duration_text(double seconds);

} // namespace tailor::runtime
