#pragma once
/// Finds what a simulated kernel must not do: accesses outside of an operand, reads of memory that nobody wrote, and races between
/// the threads of a block and between blocks.
///
/// Two accesses of a byte, one of them a write, are ordered where one thread makes both, where a barrier of the block stands between
/// them (a shuffle orders no memory), and from block to block where the first is published: a barrier, then a fence and an atomic by
/// one thread; and taken over: an atomic on the same word, a fence, a barrier. Everything else is a race, whatever the order in which
/// the simulator happened to run it.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tailor::backend::testing {

enum class Access { read, write, atomic };

/// Where a kernel touches memory.
struct Site {
  std::string text;  ///< the instruction
  int argument = -1; ///< of the kernel, which the address is derived from; -1: several, or none
  Access access = Access::read;
};

class Watch {
public:
  struct Range {
    uint64_t begin = 0, bytes = 0;
    bool holds(uint64_t address, uint64_t size) const {
      return address >= begin && size <= bytes && address - begin <= bytes - size;
    }
  };
  /// `arguments`: what lies behind each pointer; 0 bytes: not known. `variables` and `shared` are the module's.
  struct Launch {
    std::string kernel;
    std::vector<Range> arguments, variables, shared;
    uint32_t blocks = 1;
  };

  void begin(Launch launch);
  /// Shared memory holds nothing again.
  void beginBlock();
  /// By the running thread. The text of what is wrong; empty: nothing.
  std::string access(uint64_t address, uint64_t bytes, const Site& site);
  void fence();

  /// Memory of the device, which begins as what nobody wrote; other memory (a test's own buffers) is never asked whether it was written.
  void allocate(uint64_t address, uint64_t bytes);
  void release(uint64_t address);
  void written(uint64_t address, uint64_t bytes);
  /// By somebody who does not say what, as a library does.
  void everythingWritten();

private:
  /// Of one byte.
  struct Cell {
    uint32_t launch = 0;              ///< that the rest is of
    int32_t writer = -1, reader = -1; ///< threads, counted over all blocks; of readers the last one
    uint32_t writerBarriers = 0, readerBarriers = 0;
    bool manyReaders = false; ///< of this block behind the same barrier
    bool manyBlocks = false;  ///< readers of several blocks
    bool isWritten = false;   ///< since it was allocated
  };
  static constexpr uint64_t kPage = 4096;
  struct Page {
    Cell cells[kPage];
  };

  Cell& cellOf(uint64_t address);
  std::string outOfBounds(uint64_t address, uint64_t bytes, const Site& site) const;
  std::string raceOf(const Cell& cell, Access access) const;
  bool isOrdered(int32_t thread, uint32_t barriers) const;
  std::string nameOf(int32_t thread) const;
  void takeTurn(uint64_t address);

  Launch launch_;
  uint32_t launches_ = 0, threads_ = 1;
  std::map<uint64_t, std::unique_ptr<Page>> pages_;
  uint64_t lastPage_ = ~0ull;
  Page* last_ = nullptr;
  std::map<uint64_t, uint64_t> allocations_; ///< bytes by address

  struct Published {
    uint32_t block, barriers; ///< what the block wrote before so many barriers
  };
  std::map<uint64_t, std::vector<Published>> counters_; ///< by word, in the order of the atomics
  std::set<uint64_t> atomicWords_;
  // Of the running block.
  int64_t fencedAt_ = -1;               ///< barriers behind which a thread has fenced
  std::vector<Published> taken_, seen_; ///< by atomics, not yet fenced; what others published for this block
  int32_t taker_ = -1;                  ///< the thread that fenced behind them
  uint32_t seenAt_ = 0;                 ///< its barriers then
};

/// The one of this process; off unless somebody switches it on.
Watch& watch();

} // namespace tailor::backend::testing
