#include "runtime/data/data_column.h"

#include <cstring>

namespace tailor::runtime {
namespace {

/// kBytes: bytes of a row where they are known when compiling, else 0.
template <std::size_t kBytes>
void gather_rows(const std::byte* from, std::size_t row_bytes, std::span<const std::int32_t> rows,
                 std::byte* to) {
  constexpr std::size_t kAhead = 8; // rows: about the latency of memory at a copy of a cache line each
  const std::size_t size = kBytes > 0 ? kBytes : row_bytes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size())
      __builtin_prefetch(from + static_cast<std::size_t>(rows[i + kAhead]) * size);
    std::memcpy(to + i * size, from + static_cast<std::size_t>(rows[i]) * size, size);
  }
}

} // namespace

void DataColumn::gather(std::span<const std::int32_t> rows, std::size_t batch, std::byte* to) const {
  if (row_bytes_ == 0 || batch == 0) return; // of no bytes there may be no address
  if (row_bytes_ == 4) // labels, weights, row numbers: a call of memcpy takes longer than the copy
    gather_rows<4>(bytes_.data(), row_bytes_, rows, to);
  else
    gather_rows<0>(bytes_.data(), row_bytes_, rows, to);
  std::memset(to + rows.size() * row_bytes_, 0, (batch - rows.size()) * row_bytes_);
}

DataColumn DataColumn::taken(std::span<const std::int32_t> rows) const {
  DataColumn result(input_, static_cast<std::int64_t>(rows.size()));
  gather(rows, rows.size(), result.bytes_.data());
  return result;
}

} // namespace tailor::runtime
