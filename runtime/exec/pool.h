#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace tailor::runtime {

/// Persistent threads that share out the chunks of one command at a time. The pool decides who runs a chunk
/// and when, never what a chunk is: results do not depend on the number of threads.
///
/// Chunks are handed out in runs of neighbours, a fair share of what is left to each that asks: half of them, then a
/// quarter, ... on two threads, all of them on one. A kernel that shares work among neighbours (the weights that a
/// convolution reads for every block of images) so has as many as there are, and the last runs are single chunks,
/// which even out a late thread.
///
/// Idle workers spin for a bounded time (a parallel command usually follows within microseconds), then
/// sleep in the kernel. The caller of run() is worker 0 and works too. No locks; run() allocates nothing.
///
/// Cost     about 1 us per run() while workers spin, about 60 us when they must be woken.
/// Threads  one thread at a time may call run().
class Pool {
public:
  /// Runs the chunks [first, last).
  using ChunksFunction = void (*)(void* context, std::uint32_t first, std::uint32_t last,
                                  std::uint32_t worker);

  /// `num_threads` >= 1, the caller included. Starts fewer if the system refuses a thread: see num_threads().
  explicit Pool(int num_threads);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls function(context, first, last, worker) for runs that cover each chunk in [0, num_chunks) once and returns
  /// when all are done. worker < num_threads() and no two calls have the same worker number at once. num_chunks < 2^20.
  void run(std::uint32_t num_chunks, ChunksFunction function, void* context);

private:
  void work(std::uint32_t worker);
  bool run_some(std::uint32_t worker);
  bool has_chunk() const;

  // The offer, one word so that a claim is one compare-and-swap: job number << 40 | chunks << 20 | next
  // chunk. A worker reads the job's fields only after its claim succeeded; run() cannot return, and so not
  // change them, before those chunks are done.
  alignas(64) std::atomic<std::uint64_t> offer_{0};
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
  alignas(64) std::atomic<std::uint32_t> job_number_{0}; ///< what sleeping workers wait on
  std::atomic<bool> stopping_{false};
  ChunksFunction function_ = nullptr;
  void* context_ = nullptr;
  std::vector<std::thread> workers_;
};

} // namespace tailor::runtime
