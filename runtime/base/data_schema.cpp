#include "runtime/base/data_schema.h"

namespace tailor::runtime {

std::vector<std::string> default_missing_markers() {
  return {"?", "NA", "nan", "NaN", "NAN"};
}

std::int32_t DataSchema::num_numeric() const {
  std::int32_t width = 0;
  for (const Column& column : columns)
    if (column.role == ColumnRole::kNumeric) width += column.missing_flag ? 2 : 1;
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
  }
  return "unknown";
}

} // namespace tailor::runtime
