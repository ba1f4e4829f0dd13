#include "backend/cpu/CostModel.h"

#include <algorithm>

namespace tailor::backend {
namespace {

// One core in kernels of middling quality: half of what a good tile reaches (100 GFLOP/s, backend/cpu/README.md), and a
// copy beyond the caches (22 GB/s on the reference machine).
constexpr double kFlopsPerMicrosecond = 50e3, kBytesPerMicrosecond = 20e3;

// A parallel command costs about 1 us while workers spin (runtime/exec/pool.h), and several if one was late: below 50 us
// a second thread wins less than it risks. Pieces of 25 us, which come one by one at the end of a
// command, even out a late worker at a twentieth of that; 64 of them serve more threads than one step has work for.
constexpr double kWorthSplitting = 50, kChunk = 25, kMostChunks = 64;

} // namespace

uint32_t chunkCount(uint64_t flops, uint64_t bytesMoved, int64_t numUnits) {
  double microseconds = std::max(static_cast<double>(flops) / kFlopsPerMicrosecond,
                                 static_cast<double>(bytesMoved) / kBytesPerMicrosecond);
  if (microseconds < kWorthSplitting || numUnits < 2) return 1;
  return static_cast<uint32_t>(std::min({microseconds / kChunk, kMostChunks, static_cast<double>(numUnits)}));
}

} // namespace tailor::backend
