#pragma once

#include "llvm/Support/LogicalResult.h"

#include <cstdint>

namespace mlir {
class Block;
class Operation;
} // namespace mlir

namespace tailor::ir {

enum class FusionKind : uint32_t;

/// What an op is to the fusion passes. An op says it through FusionOpInterface.
enum class FusionClass {
  Elementwise,     ///< one shape for all operands and results, lane by lane
  Leaf,            ///< cheap to make again from few operands: constant, broadcast, iota, row_mask
  Map,             ///< element by element from operands of other shapes: take, one_hot, dropout, random draws
  RowReduction,    ///< over the columns of each row: [R, C] -> [R], or softmax-like [R, C] -> [R, C]
  ColumnReduction, ///< over the rows: [R, C] -> [C]
  FullReduction,   ///< [R] -> scalar
  Loss,            ///< the cross-entropies and their gradients
  BatchNorm,       ///< statistics over rows
  LayerNorm,       ///< statistics over columns
  Contraction,     ///< dot
  Convolution,     ///< conv2d and its gradients
  MultiTensor,     ///< optimizer ops
  Other,           ///< lives alone
};

/// The op's class; Other if it does not implement FusionOpInterface.
FusionClass fusionClassOf(mlir::Operation* op);

/// True if an op of this class and these shapes may live in a group of `kind` (architecture.md section 5).
bool fitsKind(mlir::Operation* op, FusionKind kind);

/// Checks a whole group: every op fits, `gemm` holds one dot, `multi_tensor` one optimizer op (or sgd/adamw
/// and the EMA of its results), `single` one op. `owner` (the fused op or kernel) reports the error.
llvm::LogicalResult verifyGroup(mlir::Operation* owner, mlir::Block& block, FusionKind kind);

} // namespace tailor::ir
