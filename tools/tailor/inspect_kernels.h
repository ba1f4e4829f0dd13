#pragma once
// What `tailor inspect` shows of kernels. Needs no LLVM, so that the fuzzer reaches it.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// Work one core of the reference machine (Zen 4, AVX-512) can do per second, measured by
/// tests/bench/ceilings. Floors are stated against them whatever the target; the table says so.
inline constexpr double kFlopsPerSecond = 118e9;       ///< f32 fused multiply-add
inline constexpr double kCacheBytesPerSecond = 115e9;  ///< copy within L2
inline constexpr double kMemoryBytesPerSecond = 22e9;  ///< copy from DRAM
inline constexpr std::uint64_t kCacheBytes = 1u << 20; ///< launches that move more are held to the latter

/// What one run of every compiled variant launches, does and moves. Then every kernel (or the one called `name`),
/// the costliest first by the floors of all its launches: its share of them, what it computes, for which lines,
/// how often it is launched, its work, its floor and the ceiling that sets it, vector width, code size, bytes of
/// each operand. kNotFound for an unknown name.
runtime::Result<std::string> kernel_table(const runtime::Artifact& artifact, const std::string& name,
                                          bool json);

/// Index of the kernel called `name`. kNotFound naming those there are.
runtime::Result<std::size_t> find_kernel(const runtime::ArtifactSpec& spec, const std::string& name);

} // namespace tailor::tools
