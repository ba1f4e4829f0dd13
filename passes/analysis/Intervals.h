// Places blocks that live for an interval of time into one strip of memory.
#pragma once

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace tailor::passes {

/// A block of `bytes` that is in use from command `first` to command `last`, both included. Two blocks may
/// share memory only if their intervals do not touch: a command reads its operands while it writes its
/// results.
struct Interval {
  int64_t first = 0;
  int64_t last = 0;
  int64_t bytes = 0;
};

struct Placement {
  std::vector<int64_t> offsets; ///< one per interval, multiples of the alignment
  int64_t bytes = 0;            ///< end of the last block, rounded up to the alignment
};

int64_t alignTo64(int64_t bytes);

/// Best fit, largest block first: each block goes into the smallest gap between the blocks alive at the same
/// time that holds it, else behind them. Ties: earlier start, then lower index, so the result depends on the
/// input alone. Cost O(n^2) for n blocks.
Placement placeIntervals(llvm::ArrayRef<Interval> intervals);

/// The trivial form: no two blocks share memory.
Placement placeApart(llvm::ArrayRef<Interval> intervals);

} // namespace tailor::passes
