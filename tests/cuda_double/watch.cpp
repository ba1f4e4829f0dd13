#include "tests/cuda_double/watch.h"

#include "tests/cuda_double/simulator.h"

#include <algorithm>

namespace tailor::backend::testing {
namespace {

bool holdsAny(const std::vector<Watch::Range>& ranges, uint64_t address, uint64_t bytes) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Watch::Range& range) { return range.holds(address, bytes); });
}

const char* nameOf(Access access) {
  return access == Access::read ? "reads" : access == Access::write ? "writes" : "adds to";
}

int32_t globalThread() {
  return static_cast<int32_t>(blockNumber() * numThreads() + threadNumber());
}

} // namespace

Watch& watch() {
  static Watch one;
  return one;
}

void Watch::begin(Launch launch) {
  launch_ = std::move(launch);
  ++launches_;
  counters_.clear();
  atomicWords_.clear();
}

void Watch::beginBlock() {
  fencedAt_ = -1;
  taken_.clear();
  seen_.clear();
  taker_ = -1;
  for (const Range& range : launch_.shared)
    for (uint64_t i = 0; i < range.bytes; ++i)
      cellOf(range.begin + i) = Cell{.launch = launches_};
}

Watch::Cell& Watch::cellOf(uint64_t address) {
  const uint64_t page = address / kPage;
  if (page != lastPage_) {
    std::unique_ptr<Page>& found = pages_[page];
    if (!found) found = std::make_unique<Page>();
    lastPage_ = page, last_ = found.get();
  }
  return last_->cells[address % kPage];
}

std::string Watch::outOfBounds(uint64_t address, uint64_t bytes, const Site& site) const {
  auto beside = [&](const Range& range) {
    const int64_t from = static_cast<int64_t>(address - range.begin);
    return " bytes " + std::to_string(from) + " to " + std::to_string(from + static_cast<int64_t>(bytes)) +
           " of " + std::to_string(range.bytes);
  };
  if (site.argument >= 0) {
    const Range& range = launch_.arguments.at(static_cast<size_t>(site.argument));
    if (range.bytes == 0 || range.holds(address, bytes)) return "";
    return "outside of argument " + std::to_string(site.argument) + ":" + beside(range);
  }
  const bool known = std::all_of(launch_.arguments.begin(), launch_.arguments.end(),
                                 [](const Range& range) { return range.bytes > 0; });
  if (!known || holdsAny(launch_.arguments, address, bytes) || holdsAny(launch_.variables, address, bytes) ||
      holdsAny(launch_.shared, address, bytes))
    return "";
  return "outside of every argument";
}

/// True if what `thread` did then is known to the running thread.
bool Watch::isOrdered(int32_t thread, uint32_t barriers) const {
  const int32_t own = globalThread();
  if (thread == own) return true;
  const uint32_t threads = numThreads();
  if (static_cast<uint32_t>(thread) / threads == blockNumber()) return barriers < barriersPassed();
  const bool isTaken = own == taker_ || (taker_ >= 0 && seenAt_ < barriersPassed());
  return isTaken && std::any_of(seen_.begin(), seen_.end(), [&](const Published& published) {
           return published.block == static_cast<uint32_t>(thread) / threads && barriers < published.barriers;
         });
}

std::string Watch::nameOf(int32_t thread) const {
  const auto threads = static_cast<int32_t>(numThreads());
  return "thread " + std::to_string(thread % threads) + " of block " + std::to_string(thread / threads);
}

std::string Watch::raceOf(const Cell& cell, Access access) const {
  if (cell.writer >= 0 && !isOrdered(cell.writer, cell.writerBarriers))
    return "what " + nameOf(cell.writer) + " writes, with nothing that orders them";
  if (access == Access::read || cell.reader < 0) return "";
  if (cell.manyBlocks && seen_.size() + 1 < launch_.blocks)
    return "what other blocks read, with nothing that orders them";
  if (cell.manyReaders && cell.readerBarriers == barriersPassed())
    return "what other threads read behind the same barrier";
  if (!cell.manyBlocks && !isOrdered(cell.reader, cell.readerBarriers))
    return "what " + nameOf(cell.reader) + " reads, with nothing that orders them";
  return "";
}

void Watch::takeTurn(uint64_t address) {
  std::vector<Published>& published = counters_[address];
  taken_.insert(taken_.end(), published.begin(), published.end());
  // Without a fence behind the last barrier nothing is published.
  if (fencedAt_ == static_cast<int64_t>(barriersPassed()))
    published.push_back({blockNumber(), barriersPassed()});
}

void Watch::fence() {
  fencedAt_ = barriersPassed();
  if (taken_.empty()) return;
  seen_ = std::move(taken_);
  taken_.clear();
  taker_ = globalThread();
  seenAt_ = barriersPassed();
}

std::string Watch::access(uint64_t address, uint64_t bytes, const Site& site) {
  auto wrong = [&](const std::string& what) {
    return "kernel '" + launch_.kernel + "': " + nameOf(globalThread()) + " " + testing::nameOf(site.access) +
           " " + what + "\n  " + site.text;
  };
  if (const std::string what = outOfBounds(address, bytes, site); !what.empty()) return wrong(what);
  if (site.access == Access::atomic) {
    atomicWords_.insert(address);
    takeTurn(address);
    return "";
  }
  if (atomicWords_.contains(address)) return ""; // set back by the block that came last
  const bool isShared = holdsAny(launch_.shared, address, bytes);
  auto allocation = allocations_.upper_bound(address);
  const bool isDevice = allocation != allocations_.begin() &&
                        address - std::prev(allocation)->first < std::prev(allocation)->second;
  for (uint64_t i = 0; i < bytes; ++i) {
    Cell& cell = cellOf(address + i);
    if (cell.launch != launches_) cell = Cell{.launch = launches_, .isWritten = cell.isWritten};
    if (site.access == Access::read && (isShared || isDevice) && !cell.isWritten)
      return wrong("what nobody wrote");
    if (const std::string race = raceOf(cell, site.access); !race.empty()) return wrong(race);
    const int32_t own = globalThread();
    if (site.access == Access::write) {
      cell.writer = own, cell.writerBarriers = barriersPassed();
      cell.reader = -1, cell.manyReaders = cell.manyBlocks = false, cell.isWritten = true;
    } else {
      const auto threads = static_cast<int32_t>(numThreads());
      const bool isOther = cell.reader >= 0 && cell.reader != own;
      const bool isOwnBlock = isOther && cell.reader / threads == own / threads;
      cell.manyBlocks |= isOther && !isOwnBlock;
      const bool isSameTurn = cell.reader >= 0 && cell.reader / threads == own / threads &&
                              cell.readerBarriers == barriersPassed();
      cell.manyReaders = isSameTurn && (isOwnBlock || cell.manyReaders);
      cell.reader = own, cell.readerBarriers = barriersPassed();
    }
  }
  return "";
}

void Watch::allocate(uint64_t address, uint64_t bytes) {
  allocations_[address] = bytes;
  for (uint64_t i = 0; i < bytes; ++i)
    cellOf(address + i) = {};
}

void Watch::release(uint64_t address) {
  allocations_.erase(address);
}

void Watch::written(uint64_t address, uint64_t bytes) {
  for (uint64_t i = 0; i < bytes; ++i)
    cellOf(address + i).isWritten = true;
}

void Watch::everythingWritten() {
  for (const auto& [address, bytes] : allocations_)
    written(address, bytes);
}

} // namespace tailor::backend::testing
