#pragma once
/// Random words. Which word belongs to which element is runtime/base/philox.h's.

#include "backend/codegen/LaneBuilder.h"

#include <array>

namespace tailor::backend {

/// The four words of blocks of Philox4x32-10. `counter` and `key` hold i32 scalars or lanes; a scalar beside vectors is the
/// same in all lanes.
std::array<mlir::Value, 4> emitPhilox(LaneBuilder& b, llvm::ArrayRef<mlir::Value> counter,
                                      llvm::ArrayRef<mlir::Value> key);
/// The block of an element of a row (i32), and the element's word among those of that block: runtime::draw_place.
mlir::Value blockOf(LaneBuilder& b, mlir::Value element);
mlir::Value wordOf(LaneBuilder& b, const std::array<mlir::Value, 4>& words, mlir::Value element);
/// (word >> 8) * 2^-24
mlir::Value emitUniform(LaneBuilder& b, mlir::Value word);

} // namespace tailor::backend
