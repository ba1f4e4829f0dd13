#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tailor::runtime {

struct AlignedFree {
  std::uint64_t mapped_bytes = 0; ///< 0: from the heap
  void operator()(std::byte* pointer) const;
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedFree>;

/// `bytes` zeroed bytes (at least one), aligned to `alignment` (a power of two, at most a page); null if
/// there is no memory. Large blocks come straight from the system: pages never touched cost nothing.
AlignedBytes allocate_zeroed(std::uint64_t bytes, std::size_t alignment = 64);

} // namespace tailor::runtime
