#pragma once
/// The words of a row of draws, block by block.

#include "backend/llvm/VectorBuilder.h"

#include <array>

namespace tailor::backend {

/// The words of as many blocks as a vector has lanes, and the elements of the row they belong to.
struct BlockVector {
  std::array<mlir::Value, 4> words;
  llvm::SmallVector<mlir::Value, 4> columns; ///< i64: the element of lane 0 of words[i], while there is one
  llvm::SmallVector<mlir::Value, 4> masks;   ///< lanes that are elements; null: all
};

/// Emits the blocks of elements [0, columns) of `row` (i64). `key` are the words of keyWords.
void forEachBlockVector(VectorBuilder& b, const std::array<mlir::Value, 5>& key, mlir::Value row,
                        int64_t columns, llvm::function_ref<void(const BlockVector&)> body);

} // namespace tailor::backend
