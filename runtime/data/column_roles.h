#pragma once
#include "runtime/data/column_signal.h"
#include "runtime/data/profile.h"
#include "runtime/data/schema.h"

namespace tailor::runtime {

/// From these figures on a column that stands alone is questioned as a leak: something that is known only
/// once the label is. Measured on 15 public tables with 2 to 28 classes (206 features), the best legitimate
/// ones have AUC 0.955 with average precision 0.940 (thyroxine in new-thyroid) and AUC 0.9994 with 0.939
/// (elevation in covertype, class 4 against 2). AUC alone would question the second and average precision
/// alone is high for any good feature of a balanced table, so both are asked for. Each threshold lies where
/// a flag that misses 4 % of its class, and is never wrong otherwise, is still questioned.
inline constexpr double kQuestionedAuc = 0.98, kQuestionedPrecision = 0.96;
/// From here on it says the same as the label and is left out unless a user wants it: kept, every number of
/// the run may be an illusion; left out, a line of the recipe says so and brings it back. 0.995: a copy of
/// the label with one wrong row in 200 still counts.
inline constexpr double kCopyPrecision = 0.995;

bool is_questioned(const ColumnSignal& signal);
bool is_copy_of_label(const ColumnSignal& signal);

/// What splitting needs of the rows, in file order.
struct RowKeys {
  std::vector<std::int32_t> label; ///< class per row; empty: the table could not be read
  std::vector<double> time;        ///< empty without a time column
  std::vector<std::int32_t> group; ///< empty without a group column
};

/// What columns nobody declared are taken for, and why.
struct ColumnRoles {
  TablePlan plan;                                   ///< the user's, completed
  std::vector<std::string> reasons;                 ///< per column; empty: that of infer_schema stands
  std::vector<std::optional<ColumnSignal>> signals; ///< per column; nullopt: not measured
  std::vector<std::int32_t> questioned;             ///< positions of possible leaks, left out or not
  std::vector<std::string> notes;                   ///< what a user should look at, one sentence each
  bool features_left = true; ///< false: what looks like no feature was kept to have any
  RowKeys rows;
};

/// Reads the table once more and decides, for columns the plan does not mention:
///
///   drop   no value; one value; text that differs in most rows; numbers with other text among them that is
///          too varied for a category; a column that tells the label (kCopyPrecision)
///   id     the best of the identifiers, the others are dropped. An identifier is a whole number or a text
///          that differs in every row and is named so; whole numbers in equal steps; whole numbers with far
///          fewer repeats than as many draws from their range would have
///   date   dates in one readable order; seconds since 1970 under the name of a time; time as well where the
///          rows are in their order
///   group  repeated values of a column named for a customer, a patient, ... (column_names.h)
///   time   a column named for a time, in whose order the rows are
///   categorical  repeated numbers of a column named as an identifier: they have no order
///
/// `classes` is label_schema's. Nothing is measured where the table cannot be read whole (damaged rows,
/// missing labels); a note says so.
Result<ColumnRoles> choose_roles(const FileProfile& profile, const TablePlan& plan,
                                 const DataSchema& classes);

} // namespace tailor::runtime
