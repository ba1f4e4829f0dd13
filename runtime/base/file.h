#pragma once
#include "runtime/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// The whole file, copied: nothing done to it later reaches the bytes. Refuses one over `max_bytes` before
/// reading it.
/// Errors   kNotFound; kInvalidArgument if `path` is no regular file (at once: a pipe that nobody writes is not
///          waited for), too large or not readable; kDataLoss if reading fails on the way.
Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);
/// The same as bytes, of any size.
Result<std::vector<std::byte>> read_bytes(const std::string& path);

/// Writes parts, in order, to `path` so that a reader sees the old file or the new one, never a mixture:
/// temporary name in the same folder, fsync, rename, fsync of the folder. On any failure (disk full, a limit on
/// the size of files: kResourceExhausted) the temporary is removed and the old file stays; the temporary of a
/// process that was killed is removed by the next write of the same file. Blocks until the data is on disk.
/// A symbolic link is followed. A pipe, terminal or device takes the bytes as they come, and so does whatever
/// standard output or standard error is; nothing replaces those.
Status write_file_atomic(const std::string& path, std::span<const std::span<const std::byte>> parts);
Status write_file_atomic(const std::string& path, std::string_view text);

/// Removes the temporaries of `path` that no living process writes.
void remove_temporaries(const std::string& path);

/// `path` is what standard output is ("/dev/stdout", or the file it was redirected to).
bool is_standard_output(const std::string& path);

/// A file that a command reads, and what it is to the command: {"recipe", "r.toml"}.
struct InputFile {
  std::string what, path;
};

/// kInvalidArgument if writing `output` would destroy one of `inputs`, under whatever name: the same path, a
/// link, another spelling. Inputs that are not there or no regular files are in no danger.
Status check_output(const std::string& output, std::span<const InputFile> inputs);

/// Creates the folder and its parents; an existing folder is fine.
Status make_folders(const std::string& path);

bool file_exists(const std::string& path);

/// `path` joined to `folder`, unless `path` is absolute or `folder` is empty.
std::string join_path(const std::string& folder, const std::string& path);

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

} // namespace tailor::runtime
