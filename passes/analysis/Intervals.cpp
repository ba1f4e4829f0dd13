#include "passes/analysis/Intervals.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace tailor::passes {

int64_t alignTo64(int64_t bytes) {
  return (bytes + 63) & ~int64_t{63};
}

Placement placeIntervals(llvm::ArrayRef<Interval> intervals) {
  std::vector<size_t> order(intervals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (intervals[a].bytes != intervals[b].bytes) return intervals[a].bytes > intervals[b].bytes;
    return intervals[a].first < intervals[b].first;
  });

  Placement result;
  result.offsets.assign(intervals.size(), 0);
  std::vector<size_t> placed; // sorted by offset
  for (size_t index : order) {
    const Interval& block = intervals[index];
    int64_t wanted = alignTo64(block.bytes);
    int64_t cursor = 0, best = -1, bestGap = std::numeric_limits<int64_t>::max();
    for (size_t other : placed) {
      const Interval& neighbour = intervals[other];
      if (neighbour.last < block.first || block.last < neighbour.first) continue;
      int64_t gap = result.offsets[other] - cursor;
      if (gap >= wanted && gap < bestGap) best = cursor, bestGap = gap;
      cursor = std::max(cursor, result.offsets[other] + alignTo64(neighbour.bytes));
    }
    int64_t offset = best >= 0 ? best : cursor;
    result.offsets[index] = offset;
    result.bytes = std::max(result.bytes, offset + wanted);
    auto position = std::upper_bound(placed.begin(), placed.end(), offset, [&](int64_t value, size_t other) {
      return value < result.offsets[other];
    });
    placed.insert(position, index);
  }
  return result;
}

Placement placeApart(llvm::ArrayRef<Interval> intervals) {
  Placement result;
  for (const Interval& block : intervals) {
    result.offsets.push_back(result.bytes);
    result.bytes += alignTo64(block.bytes);
  }
  return result;
}

} // namespace tailor::passes
