#include "runtime/base/file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tailor::runtime {
namespace {

Status status_of_errno(int error, const std::string& what) {
  const std::string text = concat(what, ": ", std::strerror(error));
  switch (error) {
  case ENOENT:
    return not_found(text);
  case ENOSPC:
  case EDQUOT:
  case ENOMEM:
  case EMFILE:
  case ENFILE:
  case EFBIG:
    return resource_exhausted(text);
  default:
    return invalid_argument(text);
  }
}

class FileDescriptor {
public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  /// Closes and reports what close() had to say (a late write error on some file systems).
  int close() { return ::close(std::exchange(fd_, -1)); }

private:
  int fd_;
};

Result<std::uint64_t> regular_file_size(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return status_of_errno(errno, concat("cannot examine '", path, "'"));
  if (!S_ISREG(info.st_mode)) return invalid_argument("'", path, "' is not a regular file");
  return static_cast<std::uint64_t>(info.st_size);
}

Status write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return status_of_errno(errno, concat("cannot write '", path, "'"));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_parts(int fd, std::span<const std::span<const std::byte>> parts, const std::string& path) {
  for (const auto part : parts)
    TAILOR_RETURN_IF_ERROR_AS_IS(write_all(fd, part, path));
  return {};
}

template <class Bytes> Result<Bytes> read_whole(const std::string& path, std::uint64_t max_bytes) {
  // Opening a pipe waits for its writer without O_NONBLOCK; a regular file does not know the flag.
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return status_of_errno(errno, concat("cannot open '", path, "'"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::uint64_t size, regular_file_size(fd.get(), path));
  const auto too_large = [&](std::uint64_t bytes) {
    return invalid_argument("'", path, "' has ", bytes, " bytes, at most ", max_bytes, " are accepted here");
  };
  if (size > max_bytes) return too_large(size);
  // The end is where read() says so: a file may grow or shrink meanwhile, and those of /proc say 0. One byte
  // more than announced lets the usual file end without a second buffer.
  Bytes bytes(size + 1, typename Bytes::value_type());
  std::size_t filled = 0;
  for (;;) {
    if (filled > max_bytes) return too_large(filled);
    if (filled == bytes.size()) bytes.resize(2 * filled + 4096);
    const ssize_t got = ::read(fd.get(), bytes.data() + filled, bytes.size() - filled);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EIO)
        return data_loss("cannot read '", path, "' after ", filled, " bytes: ", std::strerror(EIO));
      return status_of_errno(errno, concat("cannot read '", path, "'"));
    }
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

/// What stands between a file's name and the process id in the name of its temporary.
constexpr char kTemporary[] = ".tmp";

struct Temporary {
  std::string path;
  FileDescriptor fd;
};

/// A new empty file beside `path`, locked so that nobody takes it for one that was left behind. Its name has the
/// process id, and a number where another container has a process of the same id. A file system without locks
/// gives one that only its name protects.
Result<Temporary> create_temporary(const std::string& path) {
  constexpr int kMostNames = 1000; // far more than processes that write one file at once
  int error = EEXIST;
  for (int i = 0; i < kMostNames && error == EEXIST; ++i) {
    Temporary file{concat(path, kTemporary, static_cast<long>(::getpid())), FileDescriptor(-1)};
    if (i > 0) file.path += concat(i);
    file.fd = FileDescriptor(::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.fd.get() < 0) {
      error = errno;
      continue;
    }
    // remove_temporaries() may have come between: it holds the lock and will remove the file, or has done so.
    if (::flock(file.fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) continue;
    struct stat info {};
    if (::fstat(file.fd.get(), &info) == 0 && info.st_nlink == 0) continue;
    return file;
  }
  return status_of_errno(error, concat("cannot create a temporary file for '", path, "'"));
}

/// 1 or 2 if that stream is what `info` describes, else -1.
int standard_stream(const struct stat& info) {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat stream {};
    if (::fstat(fd, &stream) == 0 && stream.st_dev == info.st_dev && stream.st_ino == info.st_ino) return fd;
  }
  return -1;
}

} // namespace

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes) {
  return read_whole<std::string>(path, max_bytes);
}

Result<std::vector<std::byte>> read_bytes(const std::string& path) {
  return read_whole<std::vector<std::byte>>(path, INT64_MAX);
}

Status write_file_atomic(const std::string& name, std::span<const std::span<const std::byte>> parts) {
  struct stat info {};
  const bool exists = ::stat(name.c_str(), &info) == 0;
  if (const int fd = exists ? standard_stream(info) : -1; fd >= 0) {
    std::fflush(nullptr); // what was printed before comes before
    return write_parts(fd, parts, name);
  }
  if (exists && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    FileDescriptor stream(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    if (stream.get() < 0) return status_of_errno(errno, concat("cannot open '", name, "'"));
    TAILOR_RETURN_IF_ERROR_AS_IS(write_parts(stream.get(), parts, name));
    if (stream.close() != 0) return status_of_errno(errno, concat("cannot write '", name, "'"));
    return {};
  }
  std::string path = name;
  if (::lstat(name.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) { // replace what it points to, not the link
    const std::unique_ptr<char, decltype(&std::free)> target(::realpath(name.c_str(), nullptr), &std::free);
    if (!target) return status_of_errno(errno, concat("cannot follow the link '", name, "'"));
    path = target.get();
  }
  remove_temporaries(path);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Temporary temporary, create_temporary(path));
  Status status = write_parts(temporary.fd.get(), parts, path);
  if (status.ok() && ::fsync(temporary.fd.get()) != 0)
    status = status_of_errno(errno, concat("cannot bring '", path, "' to disk"));
  // Renamed under the lock: until then another process may not take it for a left-over.
  if (status.ok() && ::rename(temporary.path.c_str(), path.c_str()) != 0)
    status = status_of_errno(errno, concat("cannot rename '", temporary.path, "' to '", path, "'"));
  if (!status.ok()) {
    ::unlink(temporary.path.c_str());
    return status;
  }
  const FileDescriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems refuse to sync a folder; the rename itself is done by then.
  if (folder.get() >= 0) (void)::fsync(folder.get());
  return {};
}

Status write_file_atomic(const std::string& path, std::string_view text) {
  const std::span<const std::byte> parts[] = {as_bytes(text)};
  return write_file_atomic(path, parts);
}

void remove_temporaries(const std::string& path) {
  const std::string prefix = path.substr(path.rfind('/') + 1) + kTemporary;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(path), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || name.size() == prefix.size() ||
        name.find_first_not_of("0123456789", prefix.size()) != std::string::npos)
      continue;
    const FileDescriptor fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd.get() < 0 || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;
    // Renamed since it was opened, its name may be another file's by now: only what is locked may go.
    struct stat locked {
    }, named{};
    if (::fstat(fd.get(), &locked) == 0 && ::lstat(entry.path().c_str(), &named) == 0 &&
        locked.st_dev == named.st_dev && locked.st_ino == named.st_ino)
      ::unlink(entry.path().c_str());
  }
}

bool is_standard_output(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && standard_stream(info) == STDOUT_FILENO;
}

Status check_output(const std::string& output, std::span<const InputFile> inputs) {
  struct stat out {};
  if (::stat(output.c_str(), &out) != 0 || !S_ISREG(out.st_mode)) return {};
  for (const InputFile& input : inputs) {
    struct stat in {};
    if (::stat(input.path.c_str(), &in) != 0 || in.st_dev != out.st_dev || in.st_ino != out.st_ino) continue;
    return invalid_argument("'", output, "' is the ", input.what,
                            output == input.path ? std::string() : concat(" '", input.path, "'"),
                            " and would be overwritten")
        .with_hint("give another name for the output");
  }
  return {};
}

Status make_folders(const std::string& path) {
  if (path.empty()) return invalid_argument("a folder needs a name");
  for (std::size_t end = 1; end <= path.size(); ++end) {
    if (end != path.size() && path[end] != '/') continue;
    const std::string folder = path.substr(0, end);
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
      return status_of_errno(errno, concat("cannot create folder '", folder, "'"));
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return status_of_errno(errno, concat("cannot examine '", path, "'"));
  if (!S_ISDIR(info.st_mode)) return invalid_argument("'", path, "' exists and is not a folder");
  return {};
}

bool file_exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

std::string join_path(const std::string& folder, const std::string& path) {
  if (folder.empty() || (!path.empty() && path.front() == '/')) return path;
  return folder.back() == '/' ? folder + path : concat(folder, "/", path);
}

} // namespace tailor::runtime
