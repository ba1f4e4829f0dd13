#pragma once
#include "runtime/data/table.h"

#include <optional>

namespace tailor::runtime {

/// What one column says of the label when it stands alone, and how its values lie. Computed in f64 over a
/// whole table, before anything is fitted or split: a look at the data, never a part of training.
///
///   auc, average_precision = mean over the classes measured of the better of two scores of the column:
///     its values in order, from either end (numbers only);
///     the class's share among the other rows of the value's bin: two folds, each scored by the other. Bins
///     are the categories or distinct numbers, 64 quantile bins where there are more numbers; no value is a
///     bin of its own, so a column filled in for one class only is seen.
///   Two classes: the positive one is measured. More: every class against the rest.
///
/// A class with fewer than kMinClassRows rows, or with fewer others, is not measured: so few rows can be
/// ranked perfectly by accident once a table has many columns. Of more than kMaxClasses the largest are.
struct ColumnSignal {
  static constexpr std::int64_t kMinClassRows = 5;
  static constexpr std::int32_t kMaxClasses = 64;

  std::optional<double> auc, average_precision; ///< nullopt: no class could be measured

  std::int64_t num_values = 0; ///< rows with a value
  std::int64_t distinct = 0;   ///< among them
  // Numbers only.
  bool whole = false;       ///< every value is an integer
  bool equal_steps = false; ///< sorted, all neighbours are the same distance apart and none are equal
  bool rising = false, falling = false; ///< in row order, equal neighbours allowed
  double min = 0, max = 0;
};

/// The i-th numeric column of the table against its labels.
ColumnSignal measure_numeric(const RawTable& table, std::size_t numeric, std::int32_t num_classes,
                             std::int32_t positive_class);
/// The i-th categorical column.
ColumnSignal measure_category(const RawTable& table, std::size_t category, std::int32_t num_classes,
                              std::int32_t positive_class);

} // namespace tailor::runtime
