#pragma once
#include "runtime/base/data_schema.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tailor::runtime {

/// One input of every row, row after row: what batches are gathered from.
class DataColumn {
public:
  /// Zeros.
  DataColumn(InputColumn input, std::int64_t num_rows)
      : input_(std::move(input)), row_bytes_(input_.row_bytes()),
        bytes_(static_cast<std::size_t>(num_rows) * row_bytes_) {}

  const InputColumn& input() const { return input_; }
  std::int64_t num_rows() const {
    return row_bytes_ == 0 ? 0 : static_cast<std::int64_t>(bytes_.size() / row_bytes_);
  }
  std::size_t row_bytes() const { return row_bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::uint64_t memory() const { return bytes_.capacity(); }

  /// All its elements. T is what `input().dtype` is in C++.
  template <class T> std::span<const T> values() const {
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  template <class T> std::span<T> values() {
    return {reinterpret_cast<T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  /// One more row, of one element.
  template <class T> void add_row(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  /// Writes these rows one after the other to `to`, and zeros for what is left of `batch` rows.
  void gather(std::span<const std::int32_t> rows, std::size_t batch, std::byte* to) const;
  /// A column of these rows.
  DataColumn taken(std::span<const std::int32_t> rows) const;

private:
  InputColumn input_;
  std::size_t row_bytes_;
  std::vector<std::byte> bytes_;
};

} // namespace tailor::runtime
