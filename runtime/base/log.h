#pragma once
#include <string_view>

namespace tailor::runtime {

/// Messages for the person at the terminal; always to stderr, one line each, thread-safe.
/// Results and tables go to stdout by the tool that makes them; runtime libraries return Status instead of
/// printing.
enum class LogLevel { kInfo, kWarning, kError };

void log(LogLevel level, std::string_view message);
inline void log_info(std::string_view message) {
  log(LogLevel::kInfo, message);
}
/// Prints "warning: ...".
inline void log_warning(std::string_view message) {
  log(LogLevel::kWarning, message);
}
/// Prints "error: ...".
inline void log_error(std::string_view message) {
  log(LogLevel::kError, message);
}

/// Messages below `level` are dropped (default kInfo: nothing is).
void set_log_level(LogLevel level);

} // namespace tailor::runtime
