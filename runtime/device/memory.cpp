#include "runtime/device/memory.h"

#include "runtime/artifact/layout.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace tailor::runtime {

void AlignedFree::operator()(std::byte* pointer) const {
  if (mapped_bytes > 0)
    ::munmap(pointer, mapped_bytes);
  else
    std::free(pointer);
}

AlignedBytes allocate_zeroed(std::uint64_t bytes, std::size_t alignment) {
  constexpr std::uint64_t kMapped = 1 << 18, kMost = std::uint64_t{1} << 47;
  if (bytes > kMost) return nullptr;
  if (bytes >= kMapped) {
    const std::uint64_t size = align_up(bytes, kPageBytes);
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) return nullptr;
    return AlignedBytes(static_cast<std::byte*>(address), AlignedFree{size});
  }
  const std::uint64_t size = align_up(std::max<std::uint64_t>(bytes, 1), alignment);
  void* address = std::aligned_alloc(alignment, size);
  if (!address) return nullptr;
  std::memset(address, 0, size);
  return AlignedBytes(static_cast<std::byte*>(address), AlignedFree{0});
}

} // namespace tailor::runtime
