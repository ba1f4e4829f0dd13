#pragma once
/// How a block of 256 threads multiplies two slabs in shared memory: which thread has which sums of a tile, and how it adds.

#include "backend/codegen/LaneBuilder.h"
#include "runtime/artifact/spec.h"

#include <memory>

namespace tailor::backend::cuda {

/// What is multiplied: any numbers of f32, or such as tensor cores multiply.
enum class Factors { f32, tf32, bf16 };

/// rows x columns of a result by a block; the slabs of both operands are `depth` deep.
struct Tile {
  int64_t rows, columns, depth;
};

class SlabProduct {
public:
  explicit SlabProduct(Tile tile) : tile_(tile) {}
  virtual ~SlabProduct() = default;
  const Tile& tile() const { return tile_; }

  /// Emits what follows from the number of the thread in its block, an i32, for everything below.
  virtual void begin(LaneBuilder& b, mlir::Value thread) = 0;
  /// Shared memory of a slab of `lines` lines, in f32.
  virtual int64_t words(int64_t lines) const = 0;
  /// Puts an f32 into a slab of `lines` lines, at a line and depth (i64).
  virtual void put(LaneBuilder& b, mlir::Value value, mlir::Value slab, int64_t lines, mlir::Value line,
                   mlir::Value depth) const = 0;
  /// The sums of a thread before and after a slab.
  virtual llvm::SmallVector<mlir::Value> zeros(LaneBuilder& b) const = 0;
  virtual void add(LaneBuilder& b, mlir::Value lhs, mlir::Value rhs,
                   llvm::SmallVectorImpl<mlir::Value>& sums) const = 0;

  /// The sums of a thread as vectors of four neighbouring columns: for each of its lines numVectors() of them, at a multiple of four.
  /// All threads of a warp come here together.
  virtual llvm::SmallVector<mlir::Value> vectors(LaneBuilder& b, mlir::ValueRange sums) const = 0;
  int64_t numSums() const { return numLines() * numVectors() * 4; }
  virtual runtime::TensorCores tensorCores() const { return runtime::TensorCores::kNone; }
  virtual int64_t numLines() const = 0;
  virtual int64_t numVectors() const = 0;
  /// Where they are in the tile, i64.
  virtual mlir::Value line(LaneBuilder& b, int64_t which) const = 0;
  virtual mlir::Value column(LaneBuilder& b, int64_t which) const = 0;

private:
  Tile tile_;
};

/// Multiply-adds of f32 in the order of depth. A thread has threadRows x threadColumns of the tile, its columns in vectors of four that
/// lie one block of vectors apart, so that neighbouring threads read neighbouring vectors of shared memory.
std::unique_ptr<SlabProduct> multiplyAddProduct(Tile tile, int64_t threadRows, int64_t threadColumns);

/// Tensor cores: of values that are numbers of bf16 (mma.m16n8k16) or tf32 (mma.m16n8k8), whose products are exact in f32; a core adds
/// 16 or 8 of them in an order and with roundings of its own. Eight warps, two by four, have equal parts of the tile.
std::unique_ptr<SlabProduct> tensorCoreProduct(Tile tile, Factors factors);

} // namespace tailor::backend::cuda
