#include "runtime/base/file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
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
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
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

Status write_and_sync(int fd, std::span<const std::span<const std::byte>> parts, const std::string& path) {
  for (const auto part : parts)
    TAILOR_RETURN_IF_ERROR_AS_IS(write_all(fd, part, path));
  if (::fsync(fd) != 0) return status_of_errno(errno, concat("cannot bring '", path, "' to disk"));
  return {};
}

} // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return status_of_errno(errno, concat("cannot open '", path, "'"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::uint64_t size, regular_file_size(fd.get(), path));
  MappedFile file;
  if (size == 0) return file;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) return status_of_errno(errno, concat("cannot map '", path, "'"));
  file.data_ = static_cast<const std::byte*>(address);
  file.size_ = size;
  return file;
}

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return status_of_errno(errno, concat("cannot open '", path, "'"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::uint64_t size, regular_file_size(fd.get(), path));
  if (size > max_bytes)
    return invalid_argument("'", path, "' has ", size, " bytes, at most ", max_bytes, " are accepted here");
  std::string text(size, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return status_of_errno(errno, concat("cannot read '", path, "'"));
    }
    if (got == 0) break; // the file shrank meanwhile: what is there is the file
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

Status write_file_atomic(const std::string& name, std::span<const std::span<const std::byte>> parts) {
  struct stat info {};
  std::string path = name;
  if (::lstat(name.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) { // replace what it points to, not the link
    const std::unique_ptr<char, decltype(&std::free)> target(::realpath(name.c_str(), nullptr), &std::free);
    if (!target) return status_of_errno(errno, concat("cannot follow the link '", name, "'"));
    path = target.get();
  }
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    FileDescriptor stream(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (stream.get() < 0) return status_of_errno(errno, concat("cannot open '", path, "'"));
    for (const auto part : parts)
      TAILOR_RETURN_IF_ERROR_AS_IS(write_all(stream.get(), part, path));
    if (stream.close() != 0) return status_of_errno(errno, concat("cannot write '", path, "'"));
    return {};
  }
  // The process id keeps two runs in one folder apart; a temporary left by a killed run is overwritten or
  // ignored.
  const std::string temporary = concat(path, ".tmp", static_cast<long>(::getpid()));
  FileDescriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd.get() < 0) return status_of_errno(errno, concat("cannot create '", temporary, "'"));
  Status status = write_and_sync(fd.get(), parts, path);
  if (fd.close() != 0 && status.ok()) status = status_of_errno(errno, concat("cannot write '", path, "'"));
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    status = status_of_errno(errno, concat("cannot rename '", temporary, "' to '", path, "'"));
  if (!status.ok()) {
    ::unlink(temporary.c_str());
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
