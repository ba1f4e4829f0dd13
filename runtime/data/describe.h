#pragma once
#include "runtime/data/column_roles.h"
#include "runtime/data/find_format.h"
#include "runtime/data/open.h"
#include "runtime/data/split_choice.h"

namespace tailor::runtime {

/// What `tailor data PATH` and `tailor init PATH` know about a file.
struct DataDescription {
  FileProfile profile; ///< read in the format that was found
  FoundFormat format;
  TablePlan plan; ///< what the caller gave, completed by what was found
  DataSchema schema;
  SchemaReasons reasons;
  std::vector<std::optional<ColumnSignal>> signals; ///< per column: what it alone says of the label
  std::vector<std::int32_t> questioned;             ///< positions of possible leaks
  std::vector<std::string> notes;                   ///< what a user should look at
  bool features_left = true;                        ///< see ColumnRoles
  RowKeys rows;
  std::vector<std::int64_t> class_counts; ///< [K], undamaged rows with a label
  std::vector<std::string> trouble;       ///< what training will refuse, beside damaged rows
};

/// Looks at a csv or csv.gz file; `plan` carries what the user said (label, separator, strip, columns).
///
/// Label     the plan's column; else a header named label, class, target, outcome or y (any case); else the
///           last column.
/// Strip     a full stop that ends every label (Adult's test file) when the plan has no strip.
/// Roles     choose_roles for the columns the plan does not mention.
/// Trouble   rows without a label: left out of the classes and their counts; no feature left.
/// Errors    those of profile_csv and infer_schema.
Result<DataDescription> describe_csv(const std::string& path, TablePlan plan);

/// The labels are classes (check_class_labels), every row has one and is whole, and a feature is left: what
/// `tailor init` asks of a table.
/// Errors    those of check_class_labels; rows without a label; damaged rows; identifiers only.
Status check_trainable(const DataDescription& description);

/// The report: rows, classes with counts, `r = 0.01 (1:100)`, groups, columns with types and missing counts,
/// damaged rows. Errors: a group rule that does not fit K.
Result<std::string> format_description(const DataDescription& description, const GroupRule& groups);

/// A test table that goes with the training table of a recipe.
struct TestTable {
  std::string path;        ///< as the recipe should name it
  std::string reason;      ///< how it was found
  std::string label_strip; ///< suffix its labels have and the training labels lack; empty: none
};

/// Looks for the test table beside `path`: the same name with "train" or "data" replaced by "test". nullopt
/// if there is none.
std::optional<std::string> find_test_table(const std::string& path);

/// Checks that `path` has the columns and labels of `train` and finds the label suffix it needs.
Result<TestTable> describe_test_table(const std::string& path, const DataDescription& train);

/// How rows are held out: choose_split, with the shares that go with a test table of its own or none.
SplitChoice suggest_split(const DataDescription& description, bool has_test_table);

/// The metric by which `tailor init` lets a run choose its epoch, and why: one that this validation split
/// can have.
struct WatchedMetric {
  std::string name; ///< "val/average_precision"
  std::string reason;
  std::string warning; ///< why it says little here; empty if all is well
};
WatchedMetric suggest_watched_metric(const DataDescription& description, const SplitChoice& split);

/// A commented runnable recipe; `path` is how it should name the training table. Every suggestion has its
/// reason. Keys      those of `tailor recipe --describe`.
std::string suggest_recipe(const DataDescription& description, const std::string& path,
                           const std::optional<TestTable>& test);

/// What suggest_recipe decided, aligned, for the terminal: label, roles with their reasons, features, split,
/// watched metric; then the notes.
std::string format_decisions(const DataDescription& description, const std::optional<TestTable>& test);

} // namespace tailor::runtime
