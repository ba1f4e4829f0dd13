#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/data/cell_format.h"
#include "runtime/data/csv.h"
#include "runtime/data/split.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/table_keys.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

/// A column as a user names it: header text, or position (negative counts from the end).
struct ColumnRef {
  std::string name; ///< empty: use `position`
  std::int32_t position = 0;
};

/// The bits of DateFeature.
std::uint16_t bits_of(const std::vector<DateFeature>& features);

/// The keys of a table and of its splits, typed and checked for sense.
struct TablePlan {
  std::string train, val, test; ///< csv paths; val and test may be empty: they are cut from train
  CsvFormat csv;
  CellFormat cells;
  std::optional<ColumnRef> label;   ///< default: the last column
  std::string positive;             ///< class name; empty: the rarer of two
  std::string label_strip;          ///< suffix taken off every label
  std::vector<std::string> classes; ///< class order; empty: sorted, positive last
  std::vector<ColumnRef> drop, categorical, numeric, date;
  std::optional<ColumnRef> time, group, id, row_weights;
  /// The keys that named them: complaints point there.
  std::string time_key = key_name(&TableKeys::columns_time), group_key = key_name(&TableKeys::columns_group),
              id_key = key_name(&TableKeys::columns_id);
  /// data.split.column where data.columns.group or .time names one too: it must be the same.
  std::optional<ColumnRef> split_column;
  std::optional<DateForm>
      date_order; ///< kDayFirst or kMonthFirst: what columns mean whose cells leave it open
  std::uint16_t date_features = bits_of(TableKeys{}.date_features);
  MissingPolicy missing = TableKeys{}.missing;
  SplitSpec split;
};

/// Every column name the plan mentions: a first row that holds one is a header.
std::vector<std::string> mentioned_names(const TablePlan& plan);

/// With a test file of its own `split.val` is a share of the rest (methods.md 11.1: 80/20 inside train) instead of all
/// rows, and has another default. Relative paths are taken from `directory`.
/// Errors    kInvalidArgument about the key, naming it and its value.
Result<TablePlan> table_plan_from(const Options& options, const std::string& directory);

} // namespace tailor::runtime
