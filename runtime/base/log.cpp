#include "runtime/base/log.h"

#include <atomic>
#include <string>
#include <unistd.h>

namespace tailor::runtime {
namespace {
std::atomic<LogLevel> minimum{LogLevel::kInfo};
}

void set_log_level(LogLevel level) {
  minimum.store(level, std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message) {
  if (level < minimum.load(std::memory_order_relaxed)) return;
  std::string line;
  if (level == LogLevel::kWarning) line = "warning: ";
  if (level == LogLevel::kError) line = "error: ";
  line += message;
  line += '\n';
  // One write per line keeps lines of several threads whole. A closed stderr is nobody's problem here.
  const char* next = line.data();
  std::size_t left = line.size();
  while (left > 0) {
    const ssize_t written = ::write(STDERR_FILENO, next, left);
    if (written <= 0) return;
    next += written;
    left -= static_cast<std::size_t>(written);
  }
}

} // namespace tailor::runtime
