#pragma once

#include "mlir/IR/Value.h"

namespace tailor::backend::testing {

struct AbiValues {
  mlir::Value buffers, sizes, begin, end;
};

} // namespace tailor::backend::testing
