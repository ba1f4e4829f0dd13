#include "runtime/device/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace tailor::runtime {

void AlignedFree::operator()(std::byte* pointer) const {
  // calloc's own pointer is kept just below the aligned one.
  void* start = nullptr;
  std::memcpy(&start, pointer - sizeof(void*), sizeof(void*));
  std::free(start);
}

AlignedBytes allocate_zeroed(std::uint64_t bytes, std::size_t alignment) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 47;
  if (bytes > kMost) return nullptr;
  // calloc, not aligned_alloc: its fresh pages are zero already and need no touching.
  void* start = std::calloc(1, std::max<std::uint64_t>(bytes, 1) + alignment + sizeof(void*));
  if (!start) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t offset = ((address + sizeof(void*) + alignment - 1) & ~(alignment - 1)) - address;
  auto* aligned = static_cast<std::byte*>(start) + offset;
  std::memcpy(aligned - sizeof(void*), &start, sizeof(void*));
  return AlignedBytes(aligned);
}

} // namespace tailor::runtime
