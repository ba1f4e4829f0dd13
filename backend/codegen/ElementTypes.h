#pragma once
/// Which element types kernels read, compute with and make, on every target that generates code.

#include "mlir/IR/Operation.h"

#include <string>

namespace tailor::backend {

/// True if there is code for the element types of `op`: f32, i1, i32 and i64 everywhere; bytes where they are read; bf16 where a
/// cast makes or reads it, because it is storage and all else computes in f32. Otherwise `reason` is the text of the error a user
/// should see at the op: "element type f64 is not available for target cpu yet".
bool hasCodeForElements(mlir::Operation* op, llvm::StringRef target, std::string& reason);

} // namespace tailor::backend
