#include "runtime/base/data_schema.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace tailor::runtime {

std::vector<std::string> default_missing_markers() {
  return {"?", "NA", "nan", "NaN", "NAN"};
}

const char* to_string(DateFeature feature) {
  constexpr const char* kNames[kNumDateFeatures] = {"elapsed", "year", "month", "day", "day_of_week", "hour"};
  return kNames[static_cast<std::size_t>(feature)];
}

std::int32_t num_date_inputs(std::uint16_t features) {
  constexpr std::uint16_t kLines = bit(DateFeature::kElapsed) | bit(DateFeature::kYear);
  return 2 * std::popcount(features) - std::popcount(static_cast<std::uint16_t>(features & kLines));
}

std::vector<std::string> date_input_names(const std::string& column, std::uint16_t features) {
  std::vector<std::string> names;
  for (int i = 0; i < kNumDateFeatures; ++i) {
    const auto feature = static_cast<DateFeature>(i);
    if (!(features & bit(feature))) continue;
    const std::string name = column + "." + to_string(feature);
    if (feature == DateFeature::kElapsed)
      names.push_back(name + "_days");
    else if (feature == DateFeature::kYear)
      names.push_back(name);
    else
      names.insert(names.end(), {name + "_sin", name + "_cos"});
  }
  return names;
}

std::string NumericInput::name() const {
  if (column->role != ColumnRole::kDate) return column->name;
  return date_input_names(column->name, column->date_features)[static_cast<std::size_t>(part)];
}

std::vector<NumericInput> DataSchema::numeric_inputs() const {
  std::vector<NumericInput> inputs;
  for (const Column& column : columns) {
    const std::int32_t parts = column.role == ColumnRole::kNumeric ? 1
                               : column.role == ColumnRole::kDate  ? num_date_inputs(column.date_features)
                                                                   : 0;
    for (std::int32_t part = 0; part < parts; ++part)
      inputs.push_back({&column, part});
  }
  return inputs;
}

std::int32_t DataSchema::num_numeric() const {
  std::int32_t width = 0;
  for (const Column& column : columns) {
    if (column.role == ColumnRole::kNumeric) width += 1;
    if (column.role == ColumnRole::kDate) width += num_date_inputs(column.date_features);
    if (column.role == ColumnRole::kNumeric || column.role == ColumnRole::kDate) width += column.missing_flag;
  }
  return width;
}

std::int32_t DataSchema::num_category() const {
  return static_cast<std::int32_t>(category_capacities().size());
}

std::vector<std::int32_t> DataSchema::category_capacities() const {
  std::vector<std::int32_t> capacities;
  for (const Column& column : columns)
    if (column.role == ColumnRole::kCategorical) capacities.push_back(column.capacity);
  return capacities;
}

const Column* DataSchema::row_weight() const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [](const Column& column) { return column.role == ColumnRole::kRowWeight; });
  return found == columns.end() ? nullptr : &*found;
}

std::vector<InputColumn> DataSchema::inputs() const {
  std::vector<InputColumn> result;
  const auto add = [&](std::string_view name, DType dtype, std::vector<std::int64_t> row_shape,
                       InputUse use = InputUse::kFeature) {
    result.push_back({std::string(name), dtype, std::move(row_shape), use});
  };
  if (image_height > 0)
    add(input_names::kImage, image_mean.empty() ? DType::kF32 : DType::kU8,
        {image_height, image_width, image_channels});
  if (const std::int32_t width = num_numeric(); width > 0) add(input_names::kNumeric, DType::kF32, {width});
  if (const std::int32_t width = num_category(); width > 0) add(input_names::kCategory, DType::kI32, {width});
  add(input_names::kLabel, DType::kI32, {}, InputUse::kLabel);
  add(input_names::kIndex, DType::kI32, {}, InputUse::kRow);
  if (row_weight()) add(input_names::kRowWeight, DType::kF32, {}, InputUse::kRow);
  return result;
}

Status check_image(const DataSchema& schema) {
  const std::int32_t sizes[] = {schema.image_height, schema.image_width, schema.image_channels};
  const bool is_image = std::any_of(std::begin(sizes), std::end(sizes), [](auto size) { return size != 0; });
  if (is_image && std::any_of(std::begin(sizes), std::end(sizes), [](auto size) { return size < 1; }))
    return invalid_argument("schema: image of ", schema.image_height, " x ", schema.image_width, " x ",
                            schema.image_channels);
  const std::size_t means = schema.image_mean.size(), deviations = schema.image_deviation.size();
  if (means != deviations || (means != 0 && means != static_cast<std::size_t>(schema.image_channels)))
    return invalid_argument("schema: ", means, " means and ", deviations, " deviations of an image of ",
                            schema.image_channels, " channels");
  for (const double mean : schema.image_mean)
    if (!std::isfinite(mean)) return invalid_argument("schema: the mean of a channel is ", mean);
  for (const double deviation : schema.image_deviation)
    if (!(deviation > 0 && std::isfinite(deviation)))
      return invalid_argument("schema: the deviation of a channel is ", deviation, ", expected above 0");
  return {};
}

std::int64_t InputColumn::row_elements() const {
  std::int64_t elements = 1;
  for (const std::int64_t size : row_shape)
    elements *= size;
  return elements;
}

std::uint64_t InputColumn::row_bytes() const {
  return static_cast<std::uint64_t>(row_elements()) * dtype_bytes(dtype);
}

std::string InputColumn::describe() const {
  std::string text = "'" + name + "' " + to_string(dtype) + " [";
  for (std::size_t i = 0; i < row_shape.size(); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(row_shape[i]);
  return text + "]";
}

const char* to_string(ColumnRole role) {
  switch (role) {
  case ColumnRole::kNumeric:
    return "numeric";
  case ColumnRole::kCategorical:
    return "categorical";
  case ColumnRole::kLabel:
    return "label";
  case ColumnRole::kGroup:
    return "group";
  case ColumnRole::kTime:
    return "time";
  case ColumnRole::kId:
    return "id";
  case ColumnRole::kDrop:
    return "drop";
  case ColumnRole::kDate:
    return "date";
  case ColumnRole::kRowWeight:
    return "row_weight";
  }
  return "unknown";
}

} // namespace tailor::runtime
