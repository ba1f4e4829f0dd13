// What belongs to a program but is not part of its IR.
#pragma once

#include "runtime/base/data_schema.h"
#include "runtime/base/options.h"

#include <string>

namespace tailor::backend {

struct ProgramInfo {
  runtime::Options options;
  runtime::DataSchema schema;
  std::string sourceName; ///< recipe or source file as the user wrote it
  std::string sourceText; ///< of a recipe

  bool operator==(const ProgramInfo&) const = default;
};

} // namespace tailor::backend
