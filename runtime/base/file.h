#pragma once
#include "runtime/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// A file mapped read-only. The mapping lives as long as the object; moving keeps addresses.
/// Files replaced by rename (as write_file_atomic does) keep the old mapping valid.
class MappedFile {
public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  /// Errors: kNotFound, or kInvalidArgument if `path` is not a regular file. An empty file gives empty
  /// bytes().
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The whole file. Refuses one over `max_bytes` with kInvalidArgument before reading it.
Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

/// Writes parts, in order, to `path` so that a reader sees the old file or the new one, never a mixture:
/// temporary name in the same folder, fsync, rename, fsync of the folder. On any failure (disk full:
/// kResourceExhausted) the temporary is removed and the old file stays. Blocks until the data is on disk.
/// A symbolic link is followed. A pipe, terminal or device takes the bytes as they come; nothing replaces it.
Status write_file_atomic(const std::string& path, std::span<const std::span<const std::byte>> parts);
Status write_file_atomic(const std::string& path, std::string_view text);

/// Creates the folder and its parents; an existing folder is fine.
Status make_folders(const std::string& path);

bool file_exists(const std::string& path);

/// `path` joined to `folder`, unless `path` is absolute or `folder` is empty.
std::string join_path(const std::string& folder, const std::string& path);

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

} // namespace tailor::runtime
