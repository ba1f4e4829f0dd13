#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/data/profile.h"
#include "runtime/data/source.h"
#include "runtime/data/table_plan.h"

namespace tailor::runtime {

/// Why a column got its role, for `tailor data` and the comments of `tailor init`.
struct SchemaReasons {
  std::vector<std::string> columns; ///< one per column of the schema
  std::string label;
  std::string classes;
};

/// Chooses roles and capacities from what the training file looks like and what the plan says (it wins).
///
///   capacity of a categorical column = distinct values of the file (missing counts as one) + 1 for unknown
///   classes  = the plan's list, else the label values sorted (as numbers if all are), positive last
///   positive = the plan's, else the rarer of two classes
///   index    = the first column, if it has no name (is_index_column) and the plan does not mention it: dropped
///
/// Errors    a named column that is not there (nearest name hinted); a column with two roles; a text column
///           declared numeric; more than 65536 distinct values; fewer than 2 classes; a positive class that
///           does not occur; undeclared text that looks like an identifier (hint: drop, id or categorical).
Result<DataSchema> infer_schema(const FileProfile& profile, const TablePlan& plan,
                                SchemaReasons* reasons = nullptr);
/// The same without check_class_labels: what a report shows of a table that training refuses.
Result<DataSchema> schema_as_found(const FileProfile& profile, const TablePlan& plan,
                                   SchemaReasons* reasons = nullptr);

/// The label column holds classes. A list in data.label.classes says so; without it
/// Errors    a number with a fraction (a quantity; its place); over 20 classes of fewer than 10 rows on average;
///           two texts of one number, such as 0 and 0.0 (both places).
Status check_class_labels(const FileProfile& profile, const TablePlan& plan, const DataSchema& schema);

/// The classes alone: label column and class names as infer_schema chooses them, every other column dropped.
Result<DataSchema> label_schema(const FileProfile& profile, const TablePlan& plan);

/// infer_schema over the training file, which is read once.
Result<DataSchema> table_schema(const TablePlan& plan, SchemaNotes* notes = nullptr);

/// Schema files: JSON, as stored in the artifact and written by `tailor data --schema-out`.
std::string schema_to_json(const DataSchema& schema);
Result<DataSchema> schema_from_json(std::string_view json);

/// What a column without header name is called.
std::string positional_name(std::int32_t position); ///< "column 3"

/// Sizes, roles and names make sense (a schema file is input from outside).
Status check_schema(const DataSchema& schema);

} // namespace tailor::runtime
