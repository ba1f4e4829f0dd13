#include "backend/codegen/Order.h"

#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/Philox.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpFPredicate;
using mlir::arith::CmpIPredicate;

Value sortsBefore(LaneBuilder& b, ir::SortPermOp op, const Sorted& x, const Sorted& y) {
  bool floats = mlir::isa<mlir::FloatType>(x.value.getType());
  auto isNan = [&](Value v) { return b.compare(CmpFPredicate::UNO, v, v); };
  auto negate = [&](Value v) { return b.bitXor(v, b.constant(b.i1(), 1)); };
  Value less = floats ? b.compare(CmpFPredicate::OLT, x.value, y.value)
                      : b.compare(CmpIPredicate::slt, x.value, y.value);
  Value more = floats ? b.compare(CmpFPredicate::OGT, x.value, y.value)
                      : b.compare(CmpIPredicate::sgt, x.value, y.value);
  if (op.getDescending()) std::swap(less, more);
  if (floats) {
    less = b.bitOr(less, b.bitAnd(negate(isNan(x.value)), isNan(y.value)));
    more = b.bitOr(more, b.bitAnd(isNan(x.value), negate(isNan(y.value))));
  }
  Value tie = b.bitAnd(b.compare(CmpIPredicate::slt, x.position, y.position), negate(b.bitOr(less, more)));
  return b.bitOr(less, tie);
}

Value permutationWord(Evaluator& e, ir::RandomPermutationOp op, Value row) {
  LaneBuilder& b = e.builder();
  std::array<Value, 5> key = keyWords(e, op.getKey());
  Value element = b.convert(row, b.i32());
  Value counter[4] = {blockOf(b, element), key[0], key[1], key[2]};
  return wordOf(b, emitPhilox(b, counter, {key[3], key[4]}), element);
}

Value permutesBefore(LaneBuilder& b, const Sorted& x, const Sorted& y) {
  Value tie = b.bitAnd(b.compare(CmpIPredicate::eq, x.value, y.value),
                       b.compare(CmpIPredicate::slt, x.position, y.position));
  return b.bitOr(b.compare(CmpIPredicate::ult, x.value, y.value), tie);
}

Value rankOf(Evaluator& e, Value count, llvm::function_ref<Value(Value)> before) {
  LaneBuilder& b = e.builder();
  auto loop = e.loop(b.index(0), count, 1, b.index(0), [&](Value j, ValueRange rank) {
    return SmallVector<Value>{b.add(rank[0], b.convert(before(j), b.i64()))};
  });
  return loop.getResult(0);
}

} // namespace tailor::backend
