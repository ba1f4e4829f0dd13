#pragma once
/// Random words; the numbering of draws is EvaluateRandom's.

#include "backend/codegen/LaneBuilder.h"

namespace tailor::backend {

/// Word 0 and, if asked for, word 1 of Philox4x32-10 (runtime/base/philox.h). `counter` and `key` hold i32
/// scalars or lanes, all of one shape.
struct PhiloxWords {
  mlir::Value word0, word1;
};
PhiloxWords emitPhilox(LaneBuilder& b, llvm::ArrayRef<mlir::Value> counter, llvm::ArrayRef<mlir::Value> key);
/// (word >> 8) * 2^-24
mlir::Value emitUniform(LaneBuilder& b, mlir::Value word);

} // namespace tailor::backend
