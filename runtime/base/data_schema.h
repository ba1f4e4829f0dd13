#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

/// What a column of the table means to the program.
enum class ColumnRole : std::uint8_t {
  kNumeric,     ///< one f32 feature
  kCategorical, ///< one i32 feature in [0, capacity)
  kLabel,
  kGroup, ///< rows with the same value stay in the same split
  kTime,  ///< splits are made along it
  kId,    ///< row id of predictions
  kDrop,
};

/// How the numbers of a table are written, beside their signs: 1,234.50 has decimal '.' and thousands ','.
struct NumberFormat {
  char decimal = '.'; ///< '.' or ','
  char thousands = 0; ///< ',' '.' ' ' or '\''; 0: digits are not grouped. ' ' also takes U+00A0 and U+202F

  bool operator==(const NumberFormat&) const = default;
};

/// Texts that mean "no value" unless the user lists others; the empty cell always does.
std::vector<std::string> default_missing_markers(); ///< ?, NA, nan, NaN, NAN

struct Column {
  std::string name;          ///< header name, or "column 3"
  std::int32_t position = 0; ///< 0-based place in the file
  ColumnRole role = ColumnRole::kNumeric;
  std::int32_t capacity = 0; ///< categorical: codes [0, capacity), the last code is "unknown"
  bool missing_flag = false; ///< numeric: adds one 0/1 feature after all numeric ones
  std::string sign = "";     ///< numeric: text beside its numbers, "$" or "%"; see data/cell_format.h

  bool operator==(const Column&) const = default;
};

/// What the compiler must know of a data set, and nothing else of it: the shape of a row, never its values.
/// Stored in the artifact; data opened at run time are checked against it. Features keep the order of
/// `columns`.
struct DataSchema {
  std::vector<Column> columns; ///< empty for images; x0, x1, ... for generated sets
  bool named = false;          ///< columns have names from a header
  std::int32_t num_classes = 0;
  std::vector<std::string> class_names;
  std::int32_t positive_class = -1; ///< two classes: which one scores are about; -1 = not stated
  std::string label_strip;          ///< suffix removed from label texts before they are looked up
  std::string missing = "error";    ///< error | mean | flag
  std::string numeric = "none";     ///< none | standard | quantile
  NumberFormat number_format;
  std::vector<std::string> missing_markers = default_missing_markers();
  std::int32_t image_height = 0, image_width = 0, image_channels = 0; ///< 0 = no image

  /// Width of the numeric input: numeric columns, then their missing flags.
  std::int32_t num_numeric() const;
  /// Width of the category input.
  std::int32_t num_category() const;
  /// Capacity of each categorical column, in input order.
  std::vector<std::int32_t> category_capacities() const;

  bool operator==(const DataSchema&) const = default;
};

/// "numeric", "categorical", ...
const char* to_string(ColumnRole role);

} // namespace tailor::runtime
