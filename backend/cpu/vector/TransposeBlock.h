#pragma once
/// Transposition of blocks of memory by loads of four and shuffles: 16 x 16 elements in about 45 cycles.

#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend {

/// A matrix and its transpose in f32; strides are elements between rows.
struct TransposedMemory {
  mlir::Value source, target;
  int64_t sourceStride = 0, targetStride = 0;
  mlir::Type element = {}; ///< of the source: f32 (or null) or bf16
};

/// target[at + i, row] = source[row, at + i] for i < columns and row < lanes, both at most the lanes of a vector.
/// Source rows from `rows` on are not read. Where `keepsRest`, target elements from `rows` on are left alone; else they
/// become zero.
void transposeBlock(VectorBuilder& b, const TransposedMemory& memory, mlir::Value at, int64_t rows,
                    int64_t columns, bool keepsRest = false);

} // namespace tailor::backend
