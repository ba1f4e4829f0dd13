#pragma once
/// The transforms of a Winograd convolution F(m x m, 3 x 3) in one dimension, as straight-line code over vectors.
///
/// An output tile of m numbers y comes from an input tile of numbers d and 3 weights g, through p products:
///
///   y = A^T [(G g) * (B^T d)]                       per dimension, applied to rows and columns
///   dg = G^T [(A dy) * (B^T d)]                     its gradient for the weights: F(3 x 3, m x m)
///
/// Stride 1 has m + 2 input numbers and as many products. The matrices belong to interpolation points. 4 x 4 uses 0,
/// +-5/8, +-3/2 and infinity: the textbook's 1 and 2 in their place cost as much and lose two to ten times as many digits.
/// 2 x 2 uses 0, +-1 and infinity.
///
/// Stride 2 splits the input: the weight in the middle meets the numbers at every second place, m products; the outer two
/// are a convolution of 2 weights with the m + 1 numbers between them, F(m, 2) with m + 1 products. So 81 products
/// make 4 x 4 outputs that take 144 as they are written. Points +-1/2, +-5/4 and infinity: the error of a direct sum. The
/// gradient for the input reads m + 1 numbers and makes 2 m, those at even places by the middle weight.
/// Where two results differ in the sign of one term the product is formed once, then added and subtracted: two fused
/// multiply-adds would cost more. Every result is a fixed expression: its bits depend on nothing else.
///
/// Source   Lavin and Gray 2016; Barabasz et al. 2020 for the points.

#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend {

using Vectors = llvm::SmallVector<mlir::Value, 9>;

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
  int64_t step = 0;           ///< numbers of the input from tile to tile
  LinearTransform input;      ///< B^T: to p
  LinearTransform weight;     ///< G: 3 -> p - shared
  LinearTransform output;     ///< A^T: p -> m
  LinearTransform outputGrad; ///< A: m -> p
  LinearTransform weightGrad; ///< G^T: p -> 3
  int64_t shared = 0;         ///< points behind the first that multiply by the same weight as it

  int64_t pointsOfDim() const { return input.to; } ///< p
  int64_t points() const { return pointsOfDim() * pointsOfDim(); }
  int64_t weightPlanes() const { return weight.to * weight.to; }
  /// The plane of weights that a point meets.
  mlir::Value weightPlane(VectorBuilder& b, mlir::Value point) const;
};

const WinogradForm& winograd4x4();
const WinogradForm& winograd2x2();
/// Stride 2: forward and weight gradient; and the data gradient, which makes 8 x 8 numbers of a tile.
const WinogradForm& winogradStride2();
const WinogradForm& winogradStride2DataGradient();

} // namespace tailor::backend
