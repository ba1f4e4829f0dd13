#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/data/dataset.h"
#include "runtime/data/table.h"
#include "runtime/data/transform.h"

namespace tailor::runtime {

/// Values of a categorical column, sorted. The code of a value is its position; whatever is not in the list
/// has the column's last code, capacity - 1.
using Vocabulary = std::vector<std::string>;

struct NamedArray {
  std::string name;
  std::vector<double> values;
};

/// Everything learnt from data, from the training split only; made once when training starts, saved in every
/// checkpoint, used unchanged by eval, predict and resume (design invariant 6).
struct FittedState {
  std::vector<std::string> class_names;
  std::vector<std::int64_t> class_counts; ///< of the training split
  std::vector<Vocabulary> vocabularies;   ///< one per categorical column
  NumericTransform numeric;

  /// "class_counts" [K], "class_prior" [K] = n_i / N, "mean", "std", "quantiles" ([columns * n_quantiles]).
  std::vector<NamedArray> named_arrays() const;

  std::string to_json() const; ///< numbers in shortest form that reads back to the same bits
  static Result<FittedState> from_json(std::string_view json);
  /// Fits the schema: K, vocabularies within capacity, one transform column per numeric column.
  Status check(const DataSchema& schema) const;

  bool operator==(const FittedState&) const = default;
};

/// Fits on `rows` of `table` (the training split).
/// Errors    a vocabulary above its capacity; a numeric column without any value in these rows.
Result<FittedState> fit(const RawTable& table, std::span<const std::int32_t> rows, const DataSchema& schema,
                        Normalisation normalisation);

/// A numeric column whose different values become equal features.
struct LostSpacing {
  std::string column;
  Resolution resolution;
};
/// Columns of `rows` of which f32 joins more than one value in a hundred.
std::vector<LostSpacing> lost_spacing(const RawTable& table, std::span<const std::int32_t> rows,
                                      const DataSchema& schema, const NumericTransform& transform);

/// What encode met that training never saw.
struct EncodeReport {
  std::vector<std::int64_t> unknown_categories; ///< per categorical column: cells coded as unknown
  std::vector<std::int64_t> imputed;            ///< per numeric input: cells set to the training mean
};

/// Whether encode makes that input; any other is a column of the table as it is (RawTable::columns).
bool is_encoded(std::string_view input);

/// `rows` of `table` in that order as a Dataset: imputes, normalises, looks codes up (docs/encoding.md).
/// Errors    a cell whose feature is beyond f32 (its place and both numbers).
Result<Dataset> encode(const RawTable& table, std::span<const std::int32_t> rows, const DataSchema& schema,
                       const FittedState& fitted, EncodeReport* report = nullptr);

} // namespace tailor::runtime
