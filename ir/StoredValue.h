#pragma once

#include "mlir/IR/Value.h"

namespace tailor::ir {

/// `value`, or what it is the exact copy of in f32, a value that is stored in bf16, or what it rounds to tf32.
mlir::Value storedValue(mlir::Value value);

} // namespace tailor::ir
