#include "runtime/train/run_log.h"

#include "runtime/base/file.h"
#include "runtime/base/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tailor::runtime {

namespace {

/// Bytes up to the end of the last whole line.
std::int64_t whole_lines(const std::string& path) {
  const Result<std::string> text = read_file(path);
  return text.ok() ? static_cast<std::int64_t>(text->rfind('\n') + 1) : 0;
}

} // namespace

Result<EventLog> EventLog::open(const std::string& path, std::int64_t keep_bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return invalid_argument("cannot open '", path, "': ", std::strerror(errno));
  EventLog log;
  log.file_.reset(::fdopen(fd, "w"));
  log.path_ = path;
  struct stat info {};
  if (!log.file_ || ::fstat(fd, &info) != 0)
    return invalid_argument("cannot open '", path, "': ", std::strerror(errno));
  if (info.st_size < keep_bytes) {
    log_warning(concat("'", path, "' has ", static_cast<std::int64_t>(info.st_size),
                       " bytes, the checkpoint knows of ", keep_bytes,
                       ": lines of earlier epochs are lost, the log goes on without them"));
    keep_bytes = whole_lines(path);
  }
  log.bytes_ = keep_bytes;
  if (::ftruncate(fd, keep_bytes) != 0 || ::lseek(fd, 0, SEEK_END) < 0)
    return invalid_argument("cannot cut '", path, "': ", std::strerror(errno));
  return log;
}

Status EventLog::write(const OptionValue& line) {
  const std::string text = line.to_json() + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0) {
    const int error = errno;
    (void)::ftruncate(::fileno(file_.get()), bytes_); // no half line for the next reader
    return resource_exhausted("cannot write '", path_, "': ", std::strerror(error));
  }
  bytes_ += static_cast<std::int64_t>(text.size());
  return {};
}

} // namespace tailor::runtime
