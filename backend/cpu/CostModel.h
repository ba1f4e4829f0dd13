#pragma once
/// What a kernel costs, for the one decision that is taken from it: into how many chunks its units are split. Guesses of
/// one core of any machine this compiler targets, never measured where it runs: a compiled program has the same chunks,
/// and so the same bits, wherever it was compiled and for however many threads.

#include <cstdint>

namespace tailor::backend {

/// Kernels that move less are not worth a second thread (2 us at 20 GB/s, of which handing a chunk to another thread
/// takes one): nobody needs to be told that they have one unit. The limit of the `scalar` kind, 4096 elements, with
/// operands and results of that size.
inline constexpr uint64_t kSmallKernelBytes = 40'000;

/// Chunks of a function that does `flops` operations and moves `bytesMoved` bytes in `numUnits` units: one below about
/// 50 us of work on one core, else pieces of about 25 us, at most 64.
uint32_t chunkCount(uint64_t flops, uint64_t bytesMoved, int64_t numUnits);

} // namespace tailor::backend
