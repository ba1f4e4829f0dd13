#include "tools/tailor/inspect_floors.h"

#include <cstdio>

namespace tailor::tools {
namespace {

/// What a machine can do per second: floors are stated against it, whatever machine of the target it will be.
struct Ceilings {
  double flops = 0;              ///< f32 fused multiply-add
  double cache = 0, memory = 0;  ///< bytes copied within the cache and from memory
  std::uint64_t cache_bytes = 0; ///< launches that move more are held to the latter; 0: all are
  const char* machine = "";
};
/// Measured by tests/bench/ceilings.
constexpr Ceilings kCore{118e9, 115e9, 22e9, 1u << 20, "one core of the reference machine (Zen 4) reaches"};
/// Its makers' figure for f32 without tensor cores; the copy was measured on one.
constexpr Ceilings kGpu{67e12, 0, 4.3e12, 0, "an H200 may reach in f32 without tensor cores"};

const Ceilings& ceilings_of(const runtime::Target& target) {
  return target.backend == "cuda" ? kGpu : kCore;
}

} // namespace

Floor floor_of(const runtime::Target& target, std::uint64_t flops, std::uint64_t bytes) {
  const Ceilings& ceilings = ceilings_of(target);
  const bool cached = ceilings.cache_bytes > 0 && bytes <= ceilings.cache_bytes;
  const double compute = 1e6 * static_cast<double>(flops) / ceilings.flops;
  const double memory = 1e6 * static_cast<double>(bytes) / (cached ? ceilings.cache : ceilings.memory);
  if (compute >= memory) return {compute, "arithmetic"};
  return {memory, cached ? "cache" : "memory"};
}

std::string floors_line(const runtime::Target& target) {
  const Ceilings& ceilings = ceilings_of(target);
  char line[192], cache[64] = "";
  if (ceilings.cache_bytes > 0)
    std::snprintf(cache, sizeof cache, "%.0f GB/s within L2, ", ceilings.cache / 1e9);
  std::snprintf(line, sizeof line, "floors: %.0f GFLOP/s, %s%.0f GB/s from memory, as %s\n",
                ceilings.flops / 1e9, cache, ceilings.memory / 1e9, ceilings.machine);
  return line;
}

} // namespace tailor::tools
