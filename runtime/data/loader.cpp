#include "runtime/data/loader.h"

#include <algorithm>
#include <limits>
#include <system_error>

namespace tailor::runtime {
namespace {

constexpr std::int32_t kMaxThreads = 256;
constexpr int kSpins = 200; ///< about a microsecond before the consumer sleeps
constexpr std::int64_t kStopped = std::int64_t{1}
                                  << 62; ///< released_ of a loader that ends: above every ticket

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

} // namespace

Result<std::unique_ptr<BatchLoader>> BatchLoader::create(std::unique_ptr<Sampler> sampler,
                                                         LoaderOptions options) {
  if (options.batch < 1) return invalid_argument("a batch of ", options.batch, " rows, expected at least 1");
  if (options.num_threads < 0 || options.num_threads > kMaxThreads)
    return invalid_argument(options.num_threads, " loader threads, expected 0 to ", kMaxThreads);
  const std::size_t least_slots = options.num_threads > 0 ? 2 : 1;
  if (options.slots.size() < least_slots)
    return invalid_argument(options.slots.size(), " batch slots, expected at least ", least_slots);
  const std::int64_t length = sampler->epoch_length();
  const std::int64_t batches =
      options.drop_last ? length / options.batch : (length + options.batch - 1) / options.batch;
  if (batches == 0)
    return invalid_argument("an epoch of ", length, " rows holds no ", options.drop_last ? "full " : "",
                            "batch of ", options.batch)
        .with_hint("a smaller batch, or drop_last = false");
  if (options.start_epoch < 0 || options.start_batch < 0 || options.start_batch >= batches)
    return invalid_argument("cannot start at batch ", options.start_batch, " of epoch ", options.start_epoch,
                            ": an epoch has ", batches, " batches");
  if (options.start_epoch > std::numeric_limits<std::uint32_t>::max())
    return invalid_argument("epoch ", options.start_epoch, ", expected below 2^32");
  std::unique_ptr<BatchLoader> loader(new BatchLoader(std::move(sampler), std::move(options)));
  for (std::int32_t i = 0; i < loader->options_.num_threads; ++i) {
    try {
      loader->threads_.emplace_back([raw = loader.get()] { raw->work(); });
    } catch (const std::system_error&) {
      break; // fewer threads, or none, give the same batches
    }
  }
  return loader;
}

BatchLoader::BatchLoader(std::unique_ptr<Sampler> sampler, LoaderOptions options)
    : sampler_(std::move(sampler)), options_(std::move(options)), num_slots_(std::ssize(options_.slots)),
      epoch_length_(sampler_->epoch_length()),
      batches_per_epoch_(options_.drop_last ? epoch_length_ / options_.batch
                                            : (epoch_length_ + options_.batch - 1) / options_.batch),
      first_(options_.start_epoch * batches_per_epoch_ + options_.start_batch),
      num_tickets_(options_.end_epoch < 0
                       ? -1
                       : std::max<std::int64_t>(options_.end_epoch * batches_per_epoch_ - first_, 0)),
      slot_states_(new SlotState[options_.slots.size()]) {}

BatchLoader::~BatchLoader() {
  released_.store(kStopped, std::memory_order_release);
  released_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

BatchInfo BatchLoader::info_of(std::int64_t ticket) const {
  const std::int64_t number = first_ + ticket;
  BatchInfo info;
  info.ticket = ticket;
  info.slot = static_cast<std::int32_t>(ticket % num_slots_);
  info.epoch = number / batches_per_epoch_;
  info.batch = number % batches_per_epoch_;
  info.draw_position = info.batch * options_.batch;
  info.valid =
      static_cast<std::int32_t>(std::min<std::int64_t>(options_.batch, epoch_length_ - info.draw_position));
  info.last_of_epoch = info.batch + 1 == batches_per_epoch_;
  return info;
}

BatchLoader::Rows BatchLoader::rows_of(std::int64_t epoch) {
  const std::lock_guard lock(epoch_mutex_);
  EpochRows& entry = epochs_[epoch % 2];
  if (entry.epoch != epoch) {
    auto rows = std::make_shared<std::vector<std::int32_t>>(static_cast<std::size_t>(epoch_length_));
    sampler_->draw_epoch(options_.seed, epoch, *rows);
    entry = {epoch, std::move(rows)};
  }
  return entry.rows;
}

void BatchLoader::fill(std::int64_t ticket, EpochRows& current) {
  const BatchInfo info = info_of(ticket);
  if (current.epoch != info.epoch) current = {info.epoch, rows_of(info.epoch)};
  const std::span<const std::int32_t> rows(current.rows->data() + info.draw_position,
                                           static_cast<std::size_t>(info.valid));
  const auto batch = static_cast<std::size_t>(options_.batch);
  for (const BatchField& field : options_.slots[static_cast<std::size_t>(info.slot)]) {
    if (field.augmenter)
      field.augmenter->gather(rows, batch, {options_.seed, info.epoch, info.draw_position}, field.place);
    else
      field.column->gather(rows, batch, field.place);
  }
}

/// Claims the next ticket whose slot is free and fills it, again and again. A claimed ticket is filled
/// without waiting for anything, so whoever finds its ticket claimed may wait for it.
void BatchLoader::work() {
  EpochRows current;
  for (;;) {
    const std::int64_t released = released_.load(std::memory_order_acquire);
    if (released >= kStopped) return;
    std::int64_t ticket = next_ticket_.load(std::memory_order_relaxed);
    if (is_past_end(ticket)) return;
    if (ticket >= released + num_slots_) {
      released_.wait(released, std::memory_order_acquire);
      continue;
    }
    if (!next_ticket_.compare_exchange_strong(ticket, ticket + 1, std::memory_order_relaxed)) continue;
    fill(ticket, current);
    std::atomic<std::int64_t>& filled = slot_states_[static_cast<std::size_t>(ticket % num_slots_)].filled;
    filled.store(ticket, std::memory_order_release);
    filled.notify_one();
  }
}

Result<bool> BatchLoader::acquire(BatchInfo& info) {
  const std::int64_t ticket = acquired_;
  if (is_past_end(ticket)) return false;
  if (ticket >= given_back_ + num_slots_)
    return invalid_argument("all ", num_slots_, " batch slots are held, expected a release() first");
  std::atomic<std::int64_t>& filled = slot_states_[static_cast<std::size_t>(ticket % num_slots_)].filled;
  std::int64_t seen = filled.load(std::memory_order_acquire);
  if (seen != ticket) {
    // Nobody has begun it: filling it here is quicker than waking a thread, and gives the same bytes.
    std::int64_t unclaimed = ticket;
    if (next_ticket_.compare_exchange_strong(unclaimed, ticket + 1, std::memory_order_relaxed)) {
      fill(ticket, consumer_rows_);
      filled.store(ticket, std::memory_order_relaxed);
      seen = ticket;
    }
    for (int spin = 0; seen != ticket && spin < kSpins; ++spin) {
      pause();
      seen = filled.load(std::memory_order_acquire);
    }
    while (seen != ticket) {
      filled.wait(seen, std::memory_order_acquire);
      seen = filled.load(std::memory_order_acquire);
    }
  }
  info = info_of(ticket);
  ++acquired_;
  return true;
}

void BatchLoader::release(std::int64_t count) {
  const std::int64_t before = given_back_;
  given_back_ = std::min(given_back_ + count, acquired_);
  if (threads_.empty()) return;
  released_.store(given_back_, std::memory_order_release);
  // Waking a thread costs a system call: once per half ring, not once per batch.
  const std::int64_t half = std::max<std::int64_t>(num_slots_ / 2, 1);
  if (before / half != given_back_ / half) released_.notify_all();
}

} // namespace tailor::runtime
