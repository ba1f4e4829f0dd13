#pragma once
#include "runtime/base/result.h"

#include <string>
#include <utility>

namespace tailor::runtime {

/// Keeps a folder for one process while it lives: two runs that write one folder would mix their logs and delete
/// each other's temporary files. The lock is the operating system's (flock on the folder itself), so nothing is
/// left behind by a kill.
class FolderLock {
public:
  /// kInvalidArgument "'OUT' is in use by another run" if a process holds it. The folder must exist. A file
  /// system without locks gives a lock that guards nothing.
  static Result<FolderLock> take(const std::string& folder);

  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FolderLock();

private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace tailor::runtime
