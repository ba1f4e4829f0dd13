#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/base/options.h"
#include "runtime/data/cell_format.h"
#include "runtime/data/generate.h"
#include "runtime/data/long_tail.h"
#include "runtime/data/split.h"
#include "runtime/data/transform.h"
#include "runtime/metrics/class_groups.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/table_keys.h"

#include <optional>

namespace tailor::runtime {

enum class DataFormat { kCsv, kTwoMoons, kBlobs };

/// A column as a user names it: header text, or position (negative counts from the end).
struct ColumnRef {
  std::string name; ///< empty: use `position`
  std::int32_t position = 0;
};

/// The bits of DateFeature.
std::uint16_t bits_of(const std::vector<DateFeature>& features);

/// Section [data] of a recipe (keys in docs and `tailor recipe --describe`), typed and checked for sense.
struct DataPlan {
  DataFormat format = DataFormat::kCsv;
  std::string train, val, test; ///< csv paths; val and test may be empty: they are cut from train
  CsvFormat csv;
  CellFormat cells;
  std::optional<ColumnRef> label;   ///< default: the last column
  std::string positive;             ///< class name; empty: the rarer of two
  std::string label_strip;          ///< suffix taken off every label
  std::vector<std::string> classes; ///< class order; empty: sorted, positive last
  std::vector<ColumnRef> drop, categorical, numeric, date;
  std::optional<ColumnRef> time, group, id;
  /// The keys that named them: complaints point there.
  std::string time_key = key_name(&TableKeys::columns_time), group_key = key_name(&TableKeys::columns_group),
              id_key = key_name(&TableKeys::columns_id);
  /// data.split.column where data.columns.group or .time names one too: it must be the same.
  std::optional<ColumnRef> split_column;
  std::optional<DateForm>
      date_order; ///< kDayFirst or kMonthFirst: what columns mean whose cells leave it open
  std::uint16_t date_features = bits_of(TableKeys{}.date_features);
  MissingPolicy missing = TableKeys{}.missing;
  Normalisation normalisation = Normalisation::kNone;
  SplitSpec split;
  std::optional<LongTailSpec> long_tail;      ///< of the training split
  std::optional<LongTailSpec> test_long_tail; ///< of the test split
  GeneratedSpec generated;
  GroupRule groups;
};

/// Every column name the plan mentions: a first row that holds one is a header.
std::vector<std::string> mentioned_names(const DataPlan& plan);

/// Puts the place that set the option of `status.key()` in front: "recipe.toml:4:3: ...". As it is if no key is
/// known or the option has its default.
Status at_option(const Options& options, Status status);

/// Reads the keys `data.*`, `eval.groups` and `eval.predict.id`. With a test file of its own `split.val` is a share
/// of the rest (methods.md 11.1: 80/20 inside train) instead of all rows, and has another default. Relative paths are taken from `directory` (the recipe's folder).
/// Errors    kInvalidArgument about the key, naming it, its value and the place that set it.
Result<DataPlan> data_plan_from(const Options& options, const std::string& directory);
/// The same for a caller that shows the place of the key itself (Status::key): the message leaves it out.
Result<DataPlan> read_data_plan(const Options& options, const std::string& directory);

} // namespace tailor::runtime
