#pragma once
#include "runtime/data/row_lines.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

/// One split, encoded and ready to be gathered into batches: every row is a few contiguous bytes.
/// Immutable after it is made; any number of threads may read it.
struct Dataset {
  std::int64_t num_rows = 0;
  std::int32_t num_numeric = 0;           ///< D: numeric columns, then missing flags
  std::int32_t num_category = 0;          ///< C
  std::int32_t num_classes = 0;           ///< K
  std::vector<float> numeric;             ///< [num_rows, D], normalised
  std::vector<std::int32_t> category;     ///< [num_rows, C], each below its column's capacity
  std::vector<std::int32_t> label;        ///< [num_rows]; empty if unlabelled (predict)
  std::vector<std::int32_t> source_row;   ///< [num_rows] 0-based data row of the file it came from
  std::vector<std::string> id;            ///< [num_rows] or empty: the id column's text
  std::vector<std::int64_t> class_counts; ///< [K]; zeros if unlabelled
  std::string path;                       ///< file the rows came from, or name of a generated set
  RowLines lines;                         ///< by source row

  bool empty() const { return num_rows == 0; }
  /// "t.csv:18", or "row 16 of 'blobs'" for rows without a file.
  std::string place(std::int64_t row) const;
};

/// Memory its rows take.
std::uint64_t bytes_of(const Dataset& data);

/// XXH3-64 over what a program reads of the rows, in their order (features and labels): tells whether two
/// data sets train alike.
std::uint64_t content_hash(const Dataset& data);

/// The same of one row, of a labelled data set: equal for rows that no program can tell apart.
std::uint64_t row_hash(const Dataset& data, std::int64_t row);

} // namespace tailor::runtime
