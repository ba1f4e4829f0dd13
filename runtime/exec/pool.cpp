#include "runtime/exec/pool.h"

#include <algorithm>
#include <cassert>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tailor::runtime {
namespace {

constexpr int kChunkBits = 20;
constexpr std::uint64_t kChunkMask = (std::uint64_t{1} << kChunkBits) - 1;

/// Around 50 us: longer than the serial commands between two parallel ones, short enough not to burn a shared
/// machine.
constexpr int kSpins = 1500;

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

inline std::uint32_t chunks_of(std::uint64_t offer) {
  return static_cast<std::uint32_t>(offer >> kChunkBits & kChunkMask);
}
inline std::uint32_t next_of(std::uint64_t offer) {
  return static_cast<std::uint32_t>(offer & kChunkMask);
}

} // namespace

Pool::Pool(int num_threads) {
  assert(num_threads >= 1);
  workers_.reserve(static_cast<std::size_t>(num_threads) - 1);
  for (int i = 1; i < num_threads; ++i) {
    try {
      workers_.emplace_back([this, i] { work(static_cast<std::uint32_t>(i)); });
    } catch (const std::system_error&) {
      break; // fewer threads give the same results, later
    }
  }
}

Pool::~Pool() {
  stopping_.store(true, std::memory_order_release);
  job_number_.fetch_add(1, std::memory_order_seq_cst);
  job_number_.notify_all();
  for (std::thread& worker : workers_)
    worker.join();
}

void Pool::run(std::uint32_t num_chunks, ChunksFunction function, void* context) {
  assert(num_chunks <= kChunkMask);
  if (workers_.empty() || num_chunks <= 1) {
    if (num_chunks > 0) function(context, 0, num_chunks, 0);
    return;
  }
  function_ = function;
  context_ = context;
  unfinished_.store(num_chunks, std::memory_order_relaxed);
  const std::uint32_t job = job_number_.load(std::memory_order_relaxed) + 1;
  offer_.store(std::uint64_t{job} << (2 * kChunkBits) | std::uint64_t{num_chunks} << kChunkBits,
               std::memory_order_release);
  job_number_.store(job, std::memory_order_seq_cst);
  job_number_.notify_all();

  while (run_some(0)) {
  }
  for (int spin = 0; unfinished_.load(std::memory_order_acquire) != 0; ++spin) {
    if (spin < kSpins) {
      relax();
      continue;
    }
    if (const std::uint32_t left = unfinished_.load(std::memory_order_acquire); left != 0)
      unfinished_.wait(left, std::memory_order_acquire);
  }
}

bool Pool::has_chunk() const {
  const std::uint64_t offer = offer_.load(std::memory_order_acquire);
  return next_of(offer) < chunks_of(offer);
}

bool Pool::run_some(std::uint32_t worker) {
  std::uint64_t offer = offer_.load(std::memory_order_acquire);
  std::uint32_t count = 0;
  do {
    if (next_of(offer) >= chunks_of(offer)) return false;
    // Behind the acquire: a worker may be here before the constructor has started all others.
    const auto threads = static_cast<std::uint32_t>(num_threads());
    count = std::max(1u, (chunks_of(offer) - next_of(offer)) / threads);
  } while (!offer_.compare_exchange_weak(offer, offer + count, std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  function_(context_, next_of(offer), next_of(offer) + count, worker);
  if (unfinished_.fetch_sub(count, std::memory_order_acq_rel) == count && worker != 0)
    unfinished_.notify_one();
  return true;
}

void Pool::work(std::uint32_t worker) {
  for (;;) {
    const std::uint32_t seen = job_number_.load(std::memory_order_acquire);
    while (run_some(worker)) {
    }
    int spin = 0;
    while (spin < kSpins && !has_chunk() && !stopping_.load(std::memory_order_acquire)) {
      relax();
      ++spin;
    }
    if (stopping_.load(std::memory_order_acquire)) return;
    if (spin == kSpins) job_number_.wait(seen, std::memory_order_acquire);
  }
}

} // namespace tailor::runtime
