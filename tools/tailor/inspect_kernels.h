#pragma once
// What `tailor inspect` shows of kernels and their code.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// Work one core can do per second, measured on Zen 4 with AVX-512 (docs: performance). Floors are stated
/// against them.
inline constexpr double kFlopsPerSecond = 118e9;       ///< f32 fused multiply-add
inline constexpr double kCacheBytesPerSecond = 115e9;  ///< copy within L2
inline constexpr double kMemoryBytesPerSecond = 22e9;  ///< copy from DRAM
inline constexpr std::uint64_t kCacheBytes = 1u << 20; ///< launches that move more are held to the latter

/// Every kernel (or the one called `name`): what it computes, for which lines, how often it is launched, its
/// work, its floor and the ceiling that sets it, vector width, code size. kNotFound for an unknown name.
runtime::Result<std::string> kernel_table(const runtime::Artifact& artifact, const std::string& name,
                                          bool json);

/// The instructions of a kernel, disassembled from the code section.
runtime::Result<std::string> kernel_asm(const runtime::Artifact& artifact, const std::string& name);

/// The LLVM IR of a kernel, by compiling the stored `planned` program again.
runtime::Result<std::string> kernel_llvm(const runtime::Artifact& artifact, const std::string& name);

} // namespace tailor::tools
