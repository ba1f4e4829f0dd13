#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace tailor::runtime {

/// Where each row of a table stands in its file, for messages. Lines follow one another but for blank lines and
/// cells with line ends, so only the rows at which the distance between row and line changes are kept.
class RowLines {
public:
  /// Rows in order, each once.
  void add(std::int64_t row, std::int64_t line) {
    if (starts_.empty() || line - row != starts_.back().shift) starts_.push_back({row, line - row});
  }

  /// Line of a row, from 1; 0 if the rows come from no file.
  std::int64_t line_of(std::int64_t row) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), row,
                                        [](std::int64_t r, const Start& start) { return r < start.row; });
    return after == starts_.begin() ? 0 : row + std::prev(after)->shift;
  }

  std::uint64_t bytes() const { return starts_.capacity() * sizeof(Start); }

private:
  struct Start {
    std::int64_t row, shift;
  };
  std::vector<Start> starts_;
};

} // namespace tailor::runtime
