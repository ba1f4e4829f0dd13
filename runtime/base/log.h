#pragma once
#include "runtime/base/status.h"

#include <cstdio>
#include <string>
#include <string_view>

namespace tailor::runtime {

/// Messages for the person at the terminal; always to stderr, one line each, thread-safe, printable().
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

/// `text` as it may be shown on a terminal: control characters (escape sequences in a column's name or in an
/// artifact would move the cursor, rewrite lines or set the title) and bytes that are not UTF-8 stand as \x1b.
/// Line ends, tabs and all other text stay.
std::string printable(std::string_view text);

/// Writes printable(text). Whether standard output took it is found by finish_standard_output().
void print(std::string_view text, std::FILE* to = stdout);

/// What every binary does last: brings standard output out, whoever wrote to it.
/// Errors   kResourceExhausted or kInvalidArgument if not everything that was printed could be written (full
///          disk, closed pipe).
Status finish_standard_output();

/// Messages below `level` are dropped (default kInfo: nothing is).
void set_log_level(LogLevel level);

} // namespace tailor::runtime
