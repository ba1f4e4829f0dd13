#pragma once
#include <cstdint>

namespace tailor::runtime {

/// The one signature of compiled kernels.
///
///   buffers       one pointer per operand of the launch command, in its order (operands, then results),
///                 each already advanced to this chunk if the operand has a chunk_stride; then, if the kernel
///                 declares scratch_bytes, one pointer to that many bytes owned by the calling worker
///                 (64-byte aligned, contents undefined).
///   sizes         the sizes of the launch command; sizes[0] = rows of the variant.
///   [begin, end)  work units of one chunk or of neighbours: chunk c of N has [c * U / N, (c + 1) * U / N), maybe
///                 empty. All units of a launch are in one call only where it has one chunk.
///
/// Bases of all spaces are 64-byte aligned (state, arena and constants 4096). Several chunks of one command
/// run at the same time on different threads: a kernel writes only what belongs to its units or its chunk. A
/// kernel calls nothing, allocates nothing and keeps nothing; it may use the caller's floating-point
/// environment (round to nearest, denormals as the runtime sets them: kept).
using KernelFunction = void (*)(void* const* buffers, const std::int64_t* sizes, std::int64_t begin,
                                std::int64_t end);

/// First work unit of chunk `chunk`. Exact for all values that fit: the product is taken in 128 bits.
inline std::int64_t chunk_begin(std::int64_t num_units, std::uint32_t num_chunks, std::uint32_t chunk) {
  return static_cast<std::int64_t>(static_cast<__int128>(num_units) * chunk / num_chunks);
}

} // namespace tailor::runtime
