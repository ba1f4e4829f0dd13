#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

/// What a column of the table means to the program.
enum class ColumnRole : std::uint8_t {
  kNumeric,  ///< one f32 feature
  kCategory, ///< one i32 feature in [0, capacity)
  kLabel,
  kId,    ///< row id of predictions
  kGroup, ///< rows with the same value stay in the same split
  kTime,  ///< splits are made along it
  kDrop,
};

struct ColumnSchema {
  std::string name; ///< header name; "column 3" (0-based) in a file without header
  ColumnRole role = ColumnRole::kNumeric;
  /// kCategory: number of codes the program has room for. Code 0 is "unknown or missing".
  std::int32_t capacity = 0;

  bool operator==(const ColumnSchema&) const = default;
};

/// What the compiler must know of a data set, and nothing else of it: the shape of a row, never its values.
/// Stored in the artifact; data opened at run time are checked against it.
/// Feature order: numeric columns in the order of `columns`, likewise category columns.
struct DataSchema {
  std::vector<ColumnSchema> columns; ///< empty for images and for generated sets
  std::int32_t num_numeric = 0;      ///< D: width of the numeric input, indicator columns included
  std::int32_t num_category = 0;     ///< C: width of the category input
  std::int32_t num_classes = 0;      ///< K
  std::vector<std::string> class_names;
  std::int32_t positive_class = -1; ///< two classes: which one scores are about; -1 = not stated
  std::int32_t image_height = 0, image_width = 0, image_channels = 0; ///< 0 = no image

  bool operator==(const DataSchema&) const = default;
};

const char* to_string(ColumnRole role);

} // namespace tailor::runtime
