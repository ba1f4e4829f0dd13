#pragma once

#include "llvm/Support/LogicalResult.h"

#include <cstdint>

namespace mlir {
class Block;
class Operation;
class Value;
} // namespace mlir

namespace tailor::ir {

enum class FusionKind : uint32_t;

/// What an op is to the fusion passes. An op says it through FusionOpInterface.
enum class FusionClass {
  Elementwise,      ///< one shape for all operands and results, lane by lane
  Leaf,             ///< cheap to make again from few operands: constant, broadcast, iota, row_mask
  Map,              ///< element by element from operands of other shapes: take, one_hot, one draw a row
  ChannelMap,       ///< element by element from full-size operands and vectors over the last dimension
  Movement,         ///< elements of images from other places of the same images: slice, pad, concat
  RowReduction,     ///< over the columns of each row: [R, C] -> [R], or softmax-like [R, C] -> [R, C]
  ColumnReduction,  ///< over the rows: [R, C] -> [C]
  FullReduction,    ///< [R] -> scalar
  ChannelReduction, ///< over images and their positions: [N, ..., C] -> [C]; sums per image, combined in order
  Loss,             ///< the cross-entropies and their gradients
  BatchNorm,        ///< statistics over rows
  LayerNorm,        ///< statistics over columns
  Contraction,      ///< dot
  Convolution,      ///< conv2d and its gradients
  MultiTensor,      ///< optimizer ops
  Other,            ///< lives alone
};

/// The op's class; Other if it does not implement FusionOpInterface.
FusionClass fusionClassOf(mlir::Operation* op);

/// True if an op of this class and these shapes may live in a group of `kind` (architecture.md section 5).
bool fitsKind(mlir::Operation* op, FusionKind kind);

/// True for the classes that compute each element by itself, which any kernel may do in its loads and stores. A Movement
/// does as well, but from other positions: only kernels over images hold one.
bool isMapClass(FusionClass fusionClass);

/// The weight of a convolution or of its data gradient; null for the weight gradient, whose operands are both images.
mlir::Value weightOf(mlir::Operation* convolution);

/// Checks a whole group: every op fits, `gemm` holds one dot, `convolution` one convolution whose weight is an argument,
/// `multi_tensor` one optimizer op (or sgd/adamw and the EMA of its results), `single` one op, `horizontal` parts of which none
/// reads what another makes. `owner` (the fused op or
/// kernel) reports the error.
llvm::LogicalResult verifyGroup(mlir::Operation* owner, mlir::Block& block, FusionKind kind);

} // namespace tailor::ir
