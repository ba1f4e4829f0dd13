#pragma once
/// The transforms of a Winograd convolution F(m x m, 3 x 3) in one dimension, as straight-line code over vectors.
///
/// An output tile of m numbers y comes from an input tile of m + 2 numbers d and 3 weights g:
///
///   y = A^T [(G g) * (B^T d)]                       per dimension, applied to rows and columns
///   dg = G^T [(A dy) * (B^T d)]                     its gradient for the weights: F(3 x 3, m x m)
///
/// The matrices belong to interpolation points. 4 x 4 uses 0, +-5/8, +-3/2 and infinity: the textbook's 1 and 2 in their
/// place cost as much and lose two to ten times as many digits. 2 x 2 uses 0, +-1 and infinity.
/// Where two results differ in the sign of one term the product is formed once, then added and subtracted: two fused
/// multiply-adds would cost more. Every result is a fixed expression: its bits depend on nothing else.
///
/// Source   Lavin and Gray 2016; Barabasz et al. 2020 for the points.

#include "backend/cpu/evaluate/VectorBuilder.h"

namespace tailor::backend {

using Vectors = llvm::SmallVector<mlir::Value, 6>;

/// A matrix times a column of vectors.
struct LinearTransform {
  int64_t from = 0, to = 0; ///< elements it takes and makes
  Vectors (*apply)(VectorBuilder& b, llvm::ArrayRef<mlir::Value> in) = nullptr;

  /// Applied to the columns, then the rows of a from x from matrix (row by row): to x to results.
  llvm::SmallVector<mlir::Value> applyTwice(VectorBuilder& b,
                                            llvm::function_ref<mlir::Value(int64_t, int64_t)> in) const;
};

struct WinogradForm {
  int64_t outputs = 0;        ///< m
  LinearTransform input;      ///< B^T: m + 2 -> m + 2
  LinearTransform weight;     ///< G: 3 -> m + 2
  LinearTransform output;     ///< A^T: m + 2 -> m
  LinearTransform outputGrad; ///< A: m -> m + 2
  LinearTransform weightGrad; ///< G^T: m + 2 -> 3

  int64_t tile() const { return outputs + 2; }
  int64_t points() const { return tile() * tile(); }
};

const WinogradForm& winograd4x4();
const WinogradForm& winograd2x2();

} // namespace tailor::backend
