#include "runtime/base/log.h"

#include "runtime/base/utf8.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>
#include <unistd.h>

namespace tailor::runtime {
namespace {

std::atomic<LogLevel> minimum{LogLevel::kInfo};
std::atomic<int> first_print_error{0}; ///< stdio forgets why

} // namespace

std::string printable(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_character_bytes(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool control = (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F ||
                         (first == 0xC2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xA0);
    if (length > 0 && !control) {
      shown += text.substr(0, length);
    } else { // U+0080 to U+009F, two bytes, are controls too
      for (const char c : text.substr(0, std::max<std::size_t>(length, 1))) {
        shown += "\\x";
        shown += kDigits[static_cast<unsigned char>(c) >> 4];
        shown += kDigits[static_cast<unsigned char>(c) & 15];
      }
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

void print(std::string_view text, std::FILE* to) {
  const std::string shown = printable(text);
  errno = 0;
  if (std::fwrite(shown.data(), 1, shown.size(), to) != shown.size() && to == stdout)
    first_print_error.store(errno, std::memory_order_relaxed);
}

Status finish_standard_output() {
  errno = 0;
  const bool good = std::cout.flush().good(); // before stdio's: it may hold text of its own
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && good) return {};
  const int before = first_print_error.load(std::memory_order_relaxed);
  const int error = before != 0 ? before : errno;
  const std::string text = concat("cannot write to standard output",
                                  error != 0 ? concat(": ", std::strerror(error)) : std::string());
  return error == EBADF || error == EPIPE ? invalid_argument(text) : resource_exhausted(text);
}

void set_log_level(LogLevel level) {
  minimum.store(level, std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message) {
  if (level < minimum.load(std::memory_order_relaxed)) return;
  std::string line;
  if (level == LogLevel::kWarning) line = "warning: ";
  if (level == LogLevel::kError) line = "error: ";
  line += printable(message);
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
