#include "backend/codegen/Order.h"

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

Value permutesBefore(Evaluator& e, ir::RandomPermutationOp op, Value j, Value i) {
  LaneBuilder& b = e.builder();
  auto word = [&](Value element) {
    auto part = [&](int64_t at) { return e.at(op.getKey(), {e.fixedCoord(at)}); };
    Value counter[4] = {b.convert(element, b.i32()), part(0), part(1), part(2)};
    Value key[2] = {part(3), part(4)};
    return emitPhilox(b, counter, key).word0;
  };
  Value x = word(j), y = word(i);
  Value tie = b.bitAnd(b.compare(CmpIPredicate::eq, x, y), b.compare(CmpIPredicate::slt, j, i));
  return b.bitOr(b.compare(CmpIPredicate::ult, x, y), tie);
}

Value rankOf(LaneBuilder& b, Value count, llvm::function_ref<Value(Value)> before) {
  auto loop = b.loop(b.index(0), count, 1, b.index(0), [&](Value j, ValueRange rank) {
    return SmallVector<Value>{b.add(rank[0], b.convert(before(j), b.i64()))};
  });
  return loop.getResult(0);
}

} // namespace tailor::backend
