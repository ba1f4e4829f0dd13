#pragma once
#include "runtime/data/data_column.h"
#include "runtime/data/row_lines.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// One split, encoded and ready to be gathered into batches: columns of rows of equal size.
/// Immutable after it is made; any number of threads may read it.
struct Dataset {
  std::int64_t num_rows = 0;
  std::int32_t num_classes = 0;           ///< K
  std::vector<DataColumn> columns;        ///< DataSchema::inputs(), each of num_rows rows
  bool labelled = true;                   ///< else (predict) its labels are zeros
  std::vector<std::int32_t> source_row;   ///< [num_rows] 0-based data row of the file it came from
  std::vector<std::string> id;            ///< [num_rows] or empty: the id column's text
  std::vector<std::int64_t> class_counts; ///< [K]; zeros if unlabelled
  std::string path;                       ///< file the rows came from, or name of a generated set
  RowLines lines;                         ///< by source row

  bool empty() const { return num_rows == 0; }
  /// The column of that name; null if there is none.
  const DataColumn* find(std::string_view name) const;
  /// Its elements; empty if there is none.
  template <class T> std::span<const T> values(std::string_view name) const {
    const DataColumn* column = find(name);
    return column ? column->values<T>() : std::span<const T>();
  }
  /// [num_rows] class indices; empty if unlabelled.
  std::span<const std::int32_t> labels() const;
  /// "t.csv:18", or "row 16 of 'blobs'" for rows without a file.
  std::string place(std::int64_t row) const;
};

/// Memory its rows take.
std::uint64_t bytes_of(const Dataset& data);

/// XXH3-64 over what a program reads of the rows, in their order: tells whether two data sets train alike.
std::uint64_t content_hash(const Dataset& data);

/// The same over features and label of one row, of a labelled data set.
std::uint64_t row_hash(const Dataset& data, std::int64_t row);

} // namespace tailor::runtime
