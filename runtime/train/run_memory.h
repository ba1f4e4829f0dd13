#pragma once
#include "runtime/base/process_memory.h"
#include "runtime/data/open.h"
#include "runtime/exec/executor.h"
#include "runtime/options/run_keys.h"

#include <cstdint>
#include <string>

namespace tailor::runtime {

/// The most physical memory the process of a run will have, known before its first step: what it has before the run, what
/// the executor has, and beside that the data (more while they are read) or the rows and the checkpoints.
struct RunMemory {
  ProcessMemory
      process; ///< before any of the others is allocated: the program, and what compiling left in it
  std::uint64_t state = 0; ///< weights, optimizer slots, averages, statistics
  std::uint64_t arena =
      0; ///< activations, gradients, temporaries of kernels: what the entries that run touch of it
  bool on_device = false;    ///< state and arena are memory of a GPU, not of the process
  std::uint64_t scratch = 0; ///< of all threads
  std::uint64_t slots = 0;   ///< batches that the loader prepares
  std::uint64_t rows = 0,
                reading = 0;     ///< data as encoded; the most while they are read. 0 until they are there
  std::uint64_t checkpoints = 0; ///< copies of the state: of the last, and of the best epoch if it is kept

  std::string batch_key = key_name(&RunKeys::batch); ///< the size that the arena comes from

  /// Of a run with batches of `batch` rows, 0: of the default size.
  /// Errors   kInvalidArgument for a size that the artifact has not.
  static Result<RunMemory> of(const ArtifactSpec& spec, const ExecutorOptions& executor, bool keeps_best,
                              std::int64_t batch, const ProcessMemory& process);
  void add(const DataBundle& data);

  /// Of the process: what the executor allocates before the first step, keeps and touches.
  std::uint64_t held() const;
  /// No less than the process had at its peak, which compiling may have made.
  std::uint64_t most() const;
  /// "213.4 MB at most: process 9.1 MB, state 2.1 MB, arena ...".
  std::string text() const;
  /// Errors   kResourceExhausted: what is held is more than `limit` bytes; the largest parts are named.
  Status check(std::uint64_t limit) const;
  /// Where the most may be more than `limit` bytes, which a run need not reach: what to say. Empty: it is not.
  std::string warning(std::uint64_t limit) const;

private:
  /// "activations and gradients 100.0 MB, state 10.0 MB": the largest of what is held, or of all.
  std::string largest(bool with_estimates) const;
};

} // namespace tailor::runtime
