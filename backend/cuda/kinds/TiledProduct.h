#pragma once
/// sum over depth of lhs(line, depth) * rhs(column, depth), for all lines and columns: a block of 256 threads for a tile of the
/// result. Slabs of both operands go through shared memory; a thread has its part of the tile in registers. Slabs are added in the
/// order of depth, and what is in them as SlabProduct says.

#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/kinds/SlabProduct.h"
#include "backend/cuda/thread/ThreadBuilder.h"

namespace tailor::backend::cuda {

/// One operand, seen as lines of elements along the depth of the sum.
struct TiledOperand {
  /// f32 at a line and depth that exist, both i64, where the builder stands.
  std::function<mlir::Value(mlir::Value line, mlir::Value depth)> load;
  bool linesContiguous = false; ///< in memory; else depth is
};

/// What the operands of a product are, all of them.
Factors factorsOf(llvm::ArrayRef<mlir::Value> operands);

class TiledProduct {
public:
  /// `parts` products of these sizes in one launch, side by side; by tensor cores if the values of both operands are such as
  /// these multiply.
  TiledProduct(int64_t lines, int64_t columns, int64_t depth, int64_t parts, Factors factors);

  /// Blocks of kThreads that the launch needs.
  int64_t blocks() const { return tilesPerPart() * parts_; }

  /// Emits all of it into `frame`. `part` is told first which part the block is of (i64), outside of all loops. `finish` gets
  /// the sums of four columns from `column` on, of which those at `columns` and beyond are none: `mask` is null or says which are.
  /// All threads of a block come out of it together.
  void emit(KernelFrame& frame, Evaluator& e, llvm::function_ref<void(mlir::Value part)> part,
            const TiledOperand& lhs, const TiledOperand& rhs,
            llvm::function_ref<void(mlir::Value line, mlir::Value column, mlir::Value mask, mlir::Value sums)>
                finish);

  int64_t tilesPerPart() const {
    return (lines_ + slabs_->tile().rows - 1) / slabs_->tile().rows * tilesAcross();
  }
  /// Behind emit(): the number of the block's tile within its part, i32.
  mlir::Value tile() const { return tileNumber_; }
  /// Behind emit(): calls `body` for the four columns each that finish() was called for in this thread.
  void forEachOwn(Evaluator& e,
                  llvm::function_ref<void(mlir::Value line, mlir::Value column, mlir::Value mask)> body);

private:
  int64_t tilesAcross() const { return (columns_ + slabs_->tile().columns - 1) / slabs_->tile().columns; }
  void bringIn(Evaluator& e, const TiledOperand& operand, mlir::Value slab, int64_t width,
               mlir::Value firstLine, int64_t lines, mlir::Value firstDepth);
  using OwnVector =
      llvm::function_ref<void(int64_t number, mlir::Value line, mlir::Value column, mlir::Value mask)>;
  void forEachOwnVector(Evaluator& e, OwnVector body);

  int64_t lines_, columns_, depth_, parts_;
  std::unique_ptr<SlabProduct> slabs_;
  mlir::Value thread_, tileNumber_;    ///< i32
  mlir::Value firstRow_, firstColumn_; ///< of the block's tile, i64
};

} // namespace tailor::backend::cuda
