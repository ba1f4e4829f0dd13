#pragma once
/// A GPU's blocks, warps and threads on the host: a thread is a fiber, which runs until it waits for the others of its warp.

#include <cstdint>
#include <functional>
#include <string>

namespace tailor::backend::testing {

/// In which order blocks, and the threads of a block, take their turns: what depends on it is a race.
enum class Order { forward, reverse, random };

/// Runs `thread` once for every thread of `blocks` blocks of `threads` threads. Throws std::runtime_error where threads wait for
/// each other for ever, and where a warp meets in different operations. `meets` false: they never wait, and need no fibers.
/// `beforeBlock` is called before each block.
void runBlocks(uint32_t blocks, uint32_t threads, Order order, bool meets,
               const std::function<void()>& beforeBlock, const std::function<void()>& thread);

// --- what a thread may ask while it runs
uint32_t threadNumber();
uint32_t blockNumber();
uint32_t numBlocks();
uint32_t numThreads(); ///< of its block
/// Barriers of the block that the thread has come through.
uint32_t barriersPassed();
/// Ends the run, with this text as the error; the first one counts.
void report(const std::string& problem);
/// The 32 bits of the thread of the same warp whose number differs in the bits of `distance`; waits for all threads of the warp.
uint32_t exchange(uint32_t bits, uint32_t distance);
/// The instructions mma.m16n8k16 of bf16 (two values a word) and mma.m16n8k8 of tf32 (one) with sums in f32: d = a b + c, of which
/// each thread of the warp has a part; waits for all of them. Terms are added in their order, which a device does not promise.
void multiplyMatrices(const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4],
                      uint32_t valuesOfWord, float* d);
/// Waits for all threads of the block.
void waitForBlock();

} // namespace tailor::backend::testing
