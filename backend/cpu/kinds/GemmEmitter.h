#pragma once
/// Matrix products for small static shapes.
///
///   y[m, n] = sum over k of a(m, k) * b(k, n),   added in increasing k by fused multiply-adds, one chain per
///   element
///
/// so an element's bits do not depend on the tile, panel or batch it is computed in. Tiles of R rows x V
/// vectors are kept in registers; per k that is V vector loads of b, R broadcast loads of a and R * V
/// multiply-adds, which keeps the multiply-add units busy from R * V = 8 on. b must have unit stride along n:
/// when it does not (weights stored [n, k]) a panel of V vectors is transposed into the worker's scratch
/// first. Measured rates: tests/bench/kernels_bench.cpp.

#include "backend/cpu/kinds/KernelInfo.h"
#include "backend/cpu/target/CpuTarget.h"
#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend {

/// m or k is the run-time number of rows when it is kRows; n is always static.
struct GemmProblem {
  static constexpr int64_t kRows = -1;
  int64_t m = kRows, n = 0, k = 0;
  bool lhsTransposed = false;                ///< a is stored [k, m] instead of [m, k]
  bool rhsTransposed = false;                ///< b is stored [n, k] instead of [k, n]
  bool lhsIsBf16 = false, rhsIsBf16 = false; ///< stored so; products and sums are in f32
};

/// A finished tile on its way through the epilogue.
struct GemmTile {
  mlir::Value firstRow, firstColumn; ///< i64
  unsigned rows = 0, vectors = 0;
  int64_t lastLanes = 0;                   ///< active lanes of the last vector of each row; lanes() when all
  llvm::SmallVector<mlir::Value, 24> sums; ///< rows x vectors
};

struct GemmPlan {
  unsigned tileRows = 6, panelVectors = 4;
  int64_t panels = 1, rowBlock = 96;
  UnitRule units;
  uint64_t scratchBytes = 0; ///< for one transposed panel
};

GemmPlan planGemm(const GemmProblem& problem, const CpuTarget& target);

/// Emits the loops over units [begin, end). `rows` is the run-time extent; `scratch` may be null if
/// plan.scratchBytes is 0. `epilogue` is called once per kind of tile with the builder inside the loops.
void emitGemm(VectorBuilder& b, const GemmProblem& problem, const GemmPlan& plan, mlir::Value lhs,
              mlir::Value rhs, mlir::Value scratch, mlir::Value rows, mlir::Value begin, mlir::Value end,
              llvm::function_ref<void(const GemmTile&)> epilogue);

} // namespace tailor::backend
