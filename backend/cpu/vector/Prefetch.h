#pragma once
/// Asks for cache lines before they are needed.

#include "backend/codegen/Evaluator.h"
#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend {

/// The lines that `e.at(tensor, coords)` will read, as far as ops that keep positions lead there. The position may lie
/// outside of the tensor.
void prefetch(VectorBuilder& b, const Evaluator& e, mlir::Value tensor, llvm::ArrayRef<Coord> coords);
/// The line of a place that will be written.
void prefetchForWrite(VectorBuilder& b, mlir::Value pointer);
void prefetchForWrite(VectorBuilder& b, mlir::Value pointer, mlir::RankedTensorType type,
                      llvm::ArrayRef<Coord> coords);

} // namespace tailor::backend
