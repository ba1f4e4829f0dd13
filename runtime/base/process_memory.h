#pragma once
#include <cstdint>

namespace tailor::runtime {

/// Physical memory of this process in bytes, as the kernel counts it: its heap and stacks, and the pages of the program
/// and its libraries that were touched. Zero where the kernel does not say.
struct ProcessMemory {
  std::uint64_t resident = 0; ///< now
  std::uint64_t peak = 0;     ///< the most since the process began that the kernel noted, now at least
};
ProcessMemory process_memory();

} // namespace tailor::runtime
