#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/data/csv.h"
#include "runtime/data/data_column.h"
#include "runtime/data/row_lines.h"

namespace tailor::runtime {

/// Text values of a column as codes, in order of first appearance.
struct TextColumn {
  std::vector<std::string> values;
  std::vector<std::int32_t> codes; ///< one per row, into `values`
};

/// A file read by a schema, before anything is fitted: still the user's values. Numbers are f64 up to the point
/// where they have been normalised: 100000001 and 100000000 are one number in f32.
struct RawTable {
  std::string path;
  std::int64_t num_rows = 0;
  std::vector<std::vector<double>> numeric; ///< per numeric column; NaN = missing
  std::vector<TextColumn> category;         ///< per categorical column; missing is the value "(missing)"
  std::vector<std::int32_t> label;          ///< class index per row; empty unless need_label
  TextColumn group;                         ///< empty unless the schema has a group column
  std::vector<double> time; ///< numbers, or seconds since 1970 for ISO dates; empty without a time column
  TextColumn id;            ///< empty without an id column
  std::vector<std::int64_t> num_missing; ///< per numeric column
  std::vector<DataColumn> columns;       ///< inputs that need no fitting: row weights, images
  RowLines lines;
};

/// Memory a table takes, with what its vectors grew beyond their rows.
std::uint64_t bytes_of(const RawTable& table);

inline constexpr std::string_view kMissingCategory = "(missing)";

struct ReadOptions {
  CsvFormat csv;
  bool need_label = true;       ///< false (predict): the label column may be absent and is not read
  bool need_row_weights = true; ///< false (whatever is no split of the run): the same of the row weights
};

/// One pass over a csv or csv.gz file whose columns are known.
///
/// Columns   with a header they are found by name, in any order, extra ones ignored; else by position. Where a
///           name occurs twice, by their order, which must then be that of the training table.
/// Errors    `file:line:column: column 'age': expected a number, found 'abc'`: short or long row, text or
///           inf in a numeric column, a missing number (schema.missing = "error"), a missing label or one
///           outside the schema (nearest class hinted), text that is not UTF-8, no header where the schema
///           has names, no rows, more than 2^31 - 1 rows.
Result<RawTable> read_table(const std::string& path, const DataSchema& schema, const ReadOptions& options);
Result<RawTable> read_table(std::unique_ptr<ByteSource> source, const std::string& path,
                            const DataSchema& schema, const ReadOptions& options);

} // namespace tailor::runtime
