#include "tools/tailor/inspect_floors.h"

#include <algorithm>
#include <cstdio>

namespace tailor::tools {
namespace {

using runtime::TensorCores;

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
/// Its makers' figures for its tensor cores, dense.
constexpr double kBf16Flops = 989e12, kTf32Flops = 494.5e12;

const Ceilings& ceilings_of(const runtime::Target& target) {
  return target.backend == "cuda" ? kGpu : kCore;
}

TensorCores cores_of(const runtime::LibraryPlan& plan) {
  return plan.convolution.dtype == runtime::DType::kBF16 ? TensorCores::kBf16 : TensorCores::kNone;
}

TensorCores cores_of(const runtime::ArtifactSpec& spec, const runtime::Command& command) {
  if (command.plan >= 0) return cores_of(spec.library_plans[static_cast<std::size_t>(command.plan)]);
  return command.kernel < 0 ? TensorCores::kNone
                            : spec.kernels[static_cast<std::size_t>(command.kernel)].tensor_cores;
}

} // namespace

Floor floor_of(const runtime::ArtifactSpec& spec, const runtime::Command& command) {
  const Ceilings& ceilings = ceilings_of(spec.target);
  const std::uint64_t bytes = command.bytes_moved;
  const TensorCores cores = cores_of(spec, command);
  const double flops = cores == TensorCores::kBf16   ? kBf16Flops
                       : cores == TensorCores::kTf32 ? kTf32Flops
                                                     : ceilings.flops;
  const bool cached = ceilings.cache_bytes > 0 && bytes <= ceilings.cache_bytes;
  const double compute = 1e6 * static_cast<double>(command.flops) / flops;
  const double memory = 1e6 * static_cast<double>(bytes) / (cached ? ceilings.cache : ceilings.memory);
  if (compute >= memory) return {compute, "arithmetic"};
  return {memory, cached ? "cache" : "memory"};
}

std::string floors_line(const runtime::ArtifactSpec& spec) {
  const Ceilings& ceilings = ceilings_of(spec.target);
  char line[256], cache[64] = "", tensor[64] = "";
  const auto uses = [&](TensorCores cores) {
    return std::any_of(spec.library_plans.begin(), spec.library_plans.end(),
                       [&](const runtime::LibraryPlan& plan) { return cores_of(plan) == cores; }) ||
           std::any_of(spec.kernels.begin(), spec.kernels.end(),
                       [&](const runtime::Kernel& kernel) { return kernel.tensor_cores == cores; });
  };
  const bool bf16 = uses(TensorCores::kBf16);
  if (bf16 || uses(TensorCores::kTf32))
    std::snprintf(tensor, sizeof tensor, "; products of %s: %.0f GFLOP/s", bf16 ? "bf16" : "tf32",
                  (bf16 ? kBf16Flops : kTf32Flops) / 1e9);
  if (ceilings.cache_bytes > 0)
    std::snprintf(cache, sizeof cache, "%.0f GB/s within L2, ", ceilings.cache / 1e9);
  std::snprintf(line, sizeof line, "floors: %.0f GFLOP/s, %s%.0f GB/s from memory, as %s%s\n",
                ceilings.flops / 1e9, cache, ceilings.memory / 1e9, ceilings.machine, tensor);
  return line;
}

} // namespace tailor::tools
