#include "backend/codegen/EvaluateOps.h"

#include "llvm/ADT/Sequence.h"

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::arith::CmpIPredicate;

Value isBelow(Evaluator& e, const Coord& position, Value count) {
  LaneBuilder& b = e.builder();
  Value at = e.positionI32(position);
  return b.compare(CmpIPredicate::slt, at, b.matchShape(b.convert(count, b.i32()), at.getType()));
}

Value validRows(Evaluator& e, Value valid, Value rows) {
  if (!valid) return rows;
  LaneBuilder& b = e.builder();
  // Of several heights in one kernel each has its own limit.
  const auto height = reinterpret_cast<uintptr_t>(rows.getAsOpaquePointer());
  return e.remember(valid.getAsOpaquePointer(), height, {}, [&] {
    Value count = b.convert(e.at(valid, {}), b.i64());
    return b.min(b.max(count, b.index(0)), rows);
  });
}

int64_t columnsOf(RankedTensorType type) {
  int64_t columns = 1;
  for (int64_t size : type.getShape().drop_front())
    columns *= size;
  return columns;
}

llvm::SmallVector<int64_t> allButLast(int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
}

Value keepRows(Evaluator& e, Value value, const Coord& row, Value count) {
  LaneBuilder& b = e.builder();
  Value inside = isBelow(e, row, count);
  return b.select(b.matchShape(inside, value.getType()), value, b.zeroLike(value));
}

Coords withHoles(ArrayRef<Coord> coords, ArrayRef<int64_t> dims, int64_t rank) {
  Coords wide(rank);
  size_t next = 0;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(dims, dim)) wide[dim] = coords[next++];
  return wide;
}

Value divideBy(LaneBuilder& b, Value x, Value count) {
  return b.div(x, b.matchShape(count, x.getType()));
}

Value evaluateOp(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  for (auto family : {evaluateElementwise, evaluateShape, evaluateIndex, evaluateRandom, evaluateReduction,
                      evaluateNorm, evaluatePooling, evaluateLoss}) {
    if (Value value = family(e, result, coords)) return value;
    if (e.failed()) return {};
  }
  e.fail(result.getOwner(), "has no code for " + e.builder().target() + " yet");
  return {};
}

} // namespace tailor::backend
