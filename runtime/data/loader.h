#pragma once
#include "runtime/base/result.h"
#include "runtime/data/augmenter.h"
#include "runtime/data/data_column.h"
#include "runtime/data/sampler.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace tailor::runtime {

/// Where one column of a batch is written: memory of the caller (the executor's slot space) for
/// LoaderOptions::batch rows.
struct BatchField {
  const DataColumn* column;
  std::byte* place;
  const Augmenter* augmenter = nullptr; ///< of this column: what is done to its rows on the way
};

/// Where one batch is written: the columns that are wanted of it.
using BatchSlot = std::vector<BatchField>;

struct BatchInfo {
  std::int64_t ticket = 0; ///< counts batches since the loader was made
  std::int32_t slot = 0;   ///< = ticket % slots
  std::int64_t epoch = 0;
  std::int64_t batch = 0;         ///< within the epoch
  std::int64_t draw_position = 0; ///< of row 0 within the epoch: batch * B
  std::int32_t valid = 0;         ///< rows; the rest of the slot is zero
  bool last_of_epoch = false;
};

struct LoaderOptions {
  std::int32_t batch = 1; ///< B
  std::int32_t num_threads =
      1; ///< 0: acquire() fills in the caller's thread; fewer if the system refuses one
  std::uint64_t seed = 0;
  bool drop_last = false;
  std::vector<BatchSlot> slots = {}; ///< at least 1, at least 2 with threads; all of the same columns
  std::int64_t start_epoch = 0, start_batch = 0; ///< resume here
  std::int64_t end_epoch =
      -1; ///< stop after this many epochs have been given out in total (absolute); -1: never
};

/// Gathers rows of columns into fixed slots, ahead of the consumer. What the columns hold is nothing to it; an
/// augmenter knows.
///
/// What is in a batch depends on (seed, epoch, batch) only: not on threads, timing or where the run was
/// resumed. Batches are given out in order; batch t lies in slots[t % slots]. Padding rows are zero in
/// every column.
///
/// Threads   acquire/release are for one consumer thread. Columns, augmenters and slot memory outlive the loader; a slot
///           belongs to the consumer from acquire to release, to the loader otherwise.
/// Cost      no allocation and no lock per batch. A ready batch costs the consumer one atomic load; one that
///           nobody has begun is filled by the consumer itself, so it never waits for a thread to wake up.
class BatchLoader {
public:
  /// Errors  kInvalidArgument: no slots, batch < 1, start_batch outside the epoch, an epoch without a full
  ///         batch under drop_last (both numbers), more than 256 threads.
  static Result<std::unique_ptr<BatchLoader>> create(std::unique_ptr<Sampler> sampler, LoaderOptions options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  std::int64_t batches_per_epoch() const { return batches_per_epoch_; }
  std::int64_t epoch_length() const { return epoch_length_; }

  /// Blocks until the next batch is in its slot; false at the end of end_epoch. At most slots.size() may be
  /// held at once (kInvalidArgument beyond).
  Result<bool> acquire(BatchInfo& info);
  /// Gives the oldest `count` acquired slots back to be filled again.
  void release(std::int64_t count);

private:
  using Rows = std::shared_ptr<const std::vector<std::int32_t>>;
  struct EpochRows {
    std::int64_t epoch = -1;
    Rows rows;
  };
  struct alignas(64) SlotState {
    std::atomic<std::int64_t> filled{-1}; ///< ticket whose batch lies in the slot
  };

  BatchLoader(std::unique_ptr<Sampler> sampler, LoaderOptions options);
  BatchInfo info_of(std::int64_t ticket) const;
  void fill(std::int64_t ticket, EpochRows& current);
  void work();
  Rows rows_of(std::int64_t epoch);
  bool is_past_end(std::int64_t ticket) const { return num_tickets_ >= 0 && ticket >= num_tickets_; }

  std::unique_ptr<Sampler> sampler_;
  LoaderOptions options_;
  std::int64_t num_slots_ = 0, epoch_length_ = 0, batches_per_epoch_ = 0;
  std::int64_t first_ = 0;        ///< batches before ticket 0, over all epochs
  std::int64_t num_tickets_ = -1; ///< -1: endless

  std::unique_ptr<SlotState[]> slot_states_;
  alignas(64) std::atomic<std::int64_t> next_ticket_{0}; ///< next to be claimed and filled
  alignas(64) std::atomic<std::int64_t> released_{0}; ///< tickets below released_ + num_slots_ may be filled
  alignas(64) std::int64_t acquired_ = 0;             ///< consumer only
  std::int64_t given_back_ = 0;                       ///< consumer only: what released_ says
  EpochRows consumer_rows_;                           ///< consumer only

  std::mutex epoch_mutex_;
  EpochRows epochs_[2]; ///< by epoch % 2: the current one and the one being prefetched
  std::vector<std::thread> threads_;
};

} // namespace tailor::runtime
