#pragma once
#include "runtime/base/options.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace tailor::runtime {

/// log.jsonl of one seed: one JSON object a line, appended and flushed as a whole.
class EventLog {
public:
  /// Keeps the first `keep_bytes` of an existing file (what belongs to the checkpoint one resumes from) and
  /// drops the rest. kDataLoss if it has fewer.
  static Result<EventLog> open(const std::string& path, std::int64_t keep_bytes);

  Status write(const OptionValue& line);
  std::int64_t bytes() const { return bytes_; }

private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  std::int64_t bytes_ = 0;
};

/// The line at the terminal: rewritten in place when stderr is one, else a plain line per epoch, at most one
/// every two seconds (and always the last), so that logs of short epochs stay readable.
class Progress {
public:
  Progress(bool quiet, std::int64_t total_steps, std::int64_t steps_done);

  /// After every launch; cheap when nothing is due.
  void step(std::int64_t step, std::int64_t epoch, std::int64_t num_epochs, double loss);
  /// After every epoch: `summary` is what was measured, for example "loss 0.31  val/accuracy 0.84".
  void epoch(std::int64_t step, std::int64_t epoch, std::int64_t num_epochs, const std::string& summary);
  /// Ends a rewritten line.
  void finish();

private:
  using Clock = std::chrono::steady_clock;
  std::string rate_and_time_left(std::int64_t step) const;
  void show(const std::string& line, bool keep);

  bool quiet_, terminal_;
  std::int64_t total_steps_, first_step_;
  Clock::time_point start_, last_shown_;
  std::string pending_; ///< a plain line not yet shown
  std::size_t width_ = 0;
  std::uint32_t calls_ = 0;
};

/// "1:05:20", "3 m 20 s", "12 s".
std::string duration_text(double seconds);

} // namespace tailor::runtime
