#pragma once
#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

#include <cstdint>
#include <string>
#include <string_view>
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
  kDate,      ///< several f32 features, see Column::date_features
  kRowWeight, ///< f32, at least 0: what the row counts for in the loss; no feature
};

/// How the numbers of a table are written, beside their signs: 1,234.50 has decimal '.' and thousands ','.
struct NumberFormat {
  char decimal = '.'; ///< '.' or ','
  char thousands = 0; ///< ',' '.' ' ' or '\''; 0: digits are not grouped. ' ' also takes U+00A0 and U+202F

  bool operator==(const NumberFormat&) const = default;
};

/// Texts that mean "no value" unless the user lists others; the empty cell always does.
std::vector<std::string> default_missing_markers(); ///< ?, NA, nan, NaN, NAN

/// How a date is written where its digits leave it open, or what a number counts.
enum class DateForm : std::uint8_t { kYearFirst, kDayFirst, kMonthFirst, kUnixSeconds, kUnixMilliseconds };
inline constexpr int kNumDateForms = 5;

/// What a date tells; a bit each in Column::date_features. runtime/data/date.h has the formulas.
enum class DateFeature : std::uint8_t { kElapsed, kYear, kMonth, kDay, kDayOfWeek, kHour };
inline constexpr int kNumDateFeatures = 6;
constexpr std::uint16_t bit(DateFeature feature) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(feature));
}
/// "elapsed", "year", "month", "day", "day_of_week", "hour"
const char* to_string(DateFeature feature);
/// Inputs of these features: one for elapsed and year, sine and cosine for the others.
std::int32_t num_date_inputs(std::uint16_t features);
/// "when.elapsed_days", "when.hour_sin", ... in input order.
std::vector<std::string> date_input_names(const std::string& column, std::uint16_t features);

struct Column {
  std::string name;          ///< header name, or "column 3"
  std::int32_t position = 0; ///< 0-based place in the file
  ColumnRole role = ColumnRole::kNumeric;
  std::int32_t capacity = 0; ///< categorical: codes [0, capacity), the last code is "unknown"
  bool missing_flag = false; ///< numeric, date: adds one 0/1 feature after all numeric ones
  std::string sign = "";     ///< numeric: text beside its numbers, "$" or "%"; see data/cell_format.h
  DateForm date_form = DateForm::kYearFirst; ///< date, and time where it is no number
  std::uint16_t date_features = 0;           ///< date: bits of DateFeature
  bool orders_rows = false;                  ///< date: it is the time column as well

  bool operator==(const Column&) const = default;
};

/// One number of a row: a numeric column, or the `part`-th input of a date.
struct NumericInput {
  const Column* column = nullptr;
  std::int32_t part = 0;

  std::string name() const; ///< "age", "when.hour_sin"
};

/// What an input tells.
enum class InputUse : std::uint8_t {
  kFeature, ///< what the row shows
  kLabel,
  kRow, ///< of the row, not of what it shows: its number, its weight
};

/// An input of programs that a data set gives: for every row `row_shape` elements of `dtype`. An entry's inputs
/// are matched to the columns of a data set by name, dtype and row shape.
struct InputColumn {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> row_shape = {}; ///< [D] for D numbers a row; [] for one
  InputUse use = InputUse::kFeature;

  std::int64_t row_elements() const;
  std::uint64_t row_bytes() const;
  /// "'numeric' f32 [30]"
  std::string describe() const;
  bool operator==(const InputColumn&) const = default;
};

/// The inputs that DataSchema::inputs() may list.
namespace input_names {
inline constexpr std::string_view kImage = "image";          ///< u8 [H, W, C]; f32 where it is no bytes
inline constexpr std::string_view kNumeric = "numeric";      ///< f32 [D]: numeric columns, then missing flags
inline constexpr std::string_view kCategory = "category";    ///< i32 [C], each below its column's capacity
inline constexpr std::string_view kLabel = "label";          ///< i32; 0 where the data are unlabelled
inline constexpr std::string_view kIndex = "index";          ///< i32: number of the row in its split
inline constexpr std::string_view kRowWeight = "row_weight"; ///< f32
} // namespace input_names

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
  /// [image_channels] Of pixels in [0, 1]: the image is u8, of which a step makes (pixel / 255 - mean) / deviation. Empty:
  /// it is f32, taken as it is.
  std::vector<double> image_mean, image_deviation;

  /// The numeric input without its flags, in the order of the columns. Points into `columns`.
  std::vector<NumericInput> numeric_inputs() const;
  /// Width of the numeric input: numeric columns and inputs of dates, then their missing flags.
  std::int32_t num_numeric() const;
  /// Width of the category input.
  std::int32_t num_category() const;
  /// Capacity of each categorical column, in input order.
  std::vector<std::int32_t> category_capacities() const;
  /// The column of row weights; null if there is none.
  const Column* row_weight() const;
  /// Every input that data of this schema give: those of `namespace input_names` that it has, in that order.
  std::vector<InputColumn> inputs() const;

  bool operator==(const DataSchema&) const = default;
};

/// Sizes of an image and how its bytes are normalised: kInvalidArgument for what no image has.
Status check_image(const DataSchema& schema);

/// "numeric", "categorical", ...
const char* to_string(ColumnRole role);

} // namespace tailor::runtime
