#pragma once
#include "runtime/base/options.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace tailor::runtime {

/// log.jsonl of one seed: one JSON object a line, appended and flushed as a whole.
class EventLog {
public:
  /// Keeps the first `keep_bytes` of an existing file (what belongs to the checkpoint one resumes from) and
  /// drops the rest. A file that has fewer, or none, goes on behind its last whole line with a warning: a
  /// lost log is no reason not to train.
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

} // namespace tailor::runtime
