#pragma once
#include "runtime/data/open.h"

namespace tailor::runtime {

/// What `tailor data PATH` and `tailor init PATH` know about a file.
struct DataDescription {
  FileProfile profile;
  DataPlan plan; ///< what the caller gave, completed by what was found (label, strip, drop)
  DataSchema schema;
  SchemaReasons reasons;
  std::vector<std::int64_t> class_counts; ///< [K], undamaged rows with a label
  std::vector<std::string> trouble;       ///< what training will refuse, beside damaged rows
};

/// Looks at a csv or csv.gz file; `plan` carries what the user said (label, separator, strip, columns).
///
/// Label     the plan's column; else a header named label, class, target, outcome or y (any case); else the
///           last column.
/// Strip     a full stop that ends every label (Adult's test file) when the plan has no strip.
/// Drop      text columns that look like identifiers, numeric ones that count the rows, columns with one
///           value or none.
/// Trouble   rows without a label: left out of the classes and their counts.
/// Errors    those of profile_csv and infer_schema.
Result<DataDescription> describe_csv(const std::string& path, DataPlan plan);

/// The labels are classes, not a quantity, and every row has one: what `tailor init` asks of a table.
/// Errors    numbers with a fraction (first place named); over 20 classes of fewer than 10 rows on average;
///           rows without a label.
Status check_labels(const DataDescription& description);

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

/// A commented runnable recipe; `path` is how it should name the training table. Every suggestion has its
/// reason. Keys      those of `tailor recipe --describe`.
std::string suggest_recipe(const DataDescription& description, const std::string& path,
                           const std::optional<TestTable>& test);

} // namespace tailor::runtime
