#include "runtime/base/data_schema.h"

namespace tailor::runtime {

const char* to_string(ColumnRole role) {
  switch (role) {
  case ColumnRole::kNumeric:
    return "numeric";
  case ColumnRole::kCategory:
    return "category";
  case ColumnRole::kLabel:
    return "label";
  case ColumnRole::kId:
    return "id";
  case ColumnRole::kGroup:
    return "group";
  case ColumnRole::kTime:
    return "time";
  case ColumnRole::kDrop:
    return "drop";
  }
  return "unknown";
}

} // namespace tailor::runtime
