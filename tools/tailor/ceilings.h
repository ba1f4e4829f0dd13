#pragma once
// What one core of this machine can do at most, measured in the process that asks: the floors a step is held to.

#include <cstdint>

namespace tailor::tools {

/// Fused multiply-adds of independent f32 vectors from registers, in FLOP/s (2 per element), with the widest vectors
/// this processor has. Takes about 20 ms.
double peak_flops();

/// Reads of a buffer of `bytes` bytes, repeated, in bytes/s: the level of cache it fits in. Takes about 50 ms, more for
/// buffers beyond the caches.
double read_bandwidth(std::int64_t bytes);

} // namespace tailor::tools
