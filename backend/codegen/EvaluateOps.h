#pragma once
/// One function per family of ops; each returns null for ops of other families. `result` is the value asked
/// for.

#include "backend/codegen/Evaluator.h"

#include "ir/Tailor.h"

#include <array>

namespace tailor::backend {

mlir::Value evaluateElementwise(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluateShape(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluateIndex(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluateRandom(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluateReduction(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluateNorm(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluatePooling(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);
mlir::Value evaluateLoss(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);

// --- shared by the families
/// Columns of a value seen as [rows, columns]: the product of all but its first dimension.
int64_t columnsOf(mlir::RankedTensorType type);
/// An i32 scalar operand such as `valid`, limited to [0, rows], as i64; `rows` when the operand is absent.
mlir::Value validRows(Evaluator& e, mlir::Value valid, mlir::Value rows);
/// i1, scalar or lanes: position < count.
mlir::Value isBelow(Evaluator& e, const Coord& position, mlir::Value count);
/// 0, 1, ..., rank - 2.
llvm::SmallVector<int64_t> allButLast(int64_t rank);
/// `value`, which is at `row`, or 0 from row `count` on.
mlir::Value keepRows(Evaluator& e, mlir::Value value, const Coord& row, mlir::Value count);
/// Coordinates of the operand of a reduction: those of the result, with holes at `dims`.
Coords withHoles(llvm::ArrayRef<Coord> coords, llvm::ArrayRef<int64_t> dims, int64_t rank);
/// x / count; the count is a scalar.
mlir::Value divideBy(LaneBuilder& b, mlir::Value x, mlir::Value count);

/// Words 0 to 4 of a random key: counter y of row 0, z, w, and the key.
std::array<mlir::Value, 5> keyWords(Evaluator& e, mlir::Value key);
/// What random_uniform, random_normal or bernoulli makes of the first `count` words of blocks (runtime/base/philox.h).
llvm::SmallVector<mlir::Value, 4> drawnValues(LaneBuilder& b, mlir::Operation* draw,
                                              const std::array<mlir::Value, 4>& words, unsigned count);

} // namespace tailor::backend
