#pragma once
#include <cstdint>

namespace tailor::runtime {

/// Raised by changes that an older reader would misread. 2: kernels carry the shapes of their launches; 3: the
/// schema says how cells are written; 4: control fields say how they are evaluated, stages what they continue and copy;
/// 5: stages have no sampler text; 6: images are bytes, and the schema says how they are normalised; 7: calls of libraries, and what a
/// kernel takes of a multiprocessor.
inline constexpr std::uint32_t kFormatVersion = 7;
/// Older files lack what this reader needs to check them.
inline constexpr std::uint32_t kOldestFormatVersion = 6;
inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr char kMagic[8] = {'\x89', 'T', 'A', 'I', 'L', 'O', 'R', '\n'};

/// First 64 bytes of a file, little-endian. The FlatBuffer follows at once.
struct FileHeader {
  char magic[8];
  std::uint32_t format_version;
  std::uint32_t header_bytes;      ///< 64
  std::uint64_t file_bytes;        ///< finds truncation before anything else is read
  std::uint64_t metadata_bytes;    ///< size of the FlatBuffer
  std::uint64_t metadata_checksum; ///< XXH3-64 of it
  std::uint64_t reserved[2];       ///< zero
  std::uint64_t header_checksum;   ///< XXH3-64 of the 56 bytes before
};
static_assert(sizeof(FileHeader) == 64);

inline constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

} // namespace tailor::runtime
