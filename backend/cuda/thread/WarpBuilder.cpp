#include "backend/cuda/thread/WarpBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace tailor::backend::cuda {

using mlir::Type;
using mlir::Value;
using mlir::arith::CmpIPredicate;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;

Value shuffleXor(LaneBuilder& b, Value v, int64_t distance) {
  auto word = [&](int64_t value) { return b.constant(b.i32(), double(value)); };
  auto kind = NVVM::ShflKindAttr::get(b.builder().getContext(), NVVM::ShflKind::bfly);
  return NVVM::ShflOp::create(b.builder(), b.loc(), v.getType(), word(-1), v, word(distance),
                              word(WarpBuilder::kLanes - 1), kind, mlir::UnitAttr());
}

Value WarpBuilder::prefixMask(Value active) {
  return compare(CmpIPredicate::slt, convert(lane_, i64()), active);
}

Value WarpBuilder::fromLane(Value v, int64_t distance) {
  Type type = v.getType();
  if (type == i1()) {
    Value word = mlir::arith::ExtUIOp::create(builder(), loc(), i32(), v);
    return mlir::arith::TruncIOp::create(builder(), loc(), i1(), fromLane(word, distance));
  }
  if (type == i64()) {
    auto half = [&](Value x) {
      Value word = mlir::arith::TruncIOp::create(builder(), loc(), i32(), x);
      return mlir::arith::ExtUIOp::create(builder(), loc(), i64(), fromLane(word, distance));
    };
    return bitOr(half(v), shiftLeft(half(shiftRight(v, 32)), 32));
  }
  return shuffleXor(*this, v, distance);
}

Value WarpBuilder::foldLanes(Value v, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t distance = kLanes / 2; distance > 0; distance /= 2) {
    // The value of the lower lane first, in both: the larger of 0 and -0 is what comes second, and must be the same.
    Value other = fromLane(v, distance);
    Value bit = bitAnd(lane_, constant(i32(), double(distance)));
    Value isLower = compare(CmpIPredicate::eq, bit, zeroLike(bit));
    v = combine(select(isLower, v, other), select(isLower, other, v));
  }
  return v;
}

// --- memory

Value WarpBuilder::place(Value memory, Type stored, Value index) {
  auto pointer = LLVM::LLVMPointerType::get(builder().getContext());
  return LLVM::GEPOp::create(builder(), loc(), pointer, stored, memory, mlir::ValueRange{index});
}

Value WarpBuilder::load(Value memory, Type element, Value index) {
  Type stored = storedType(element);
  return fromStored(LLVM::LoadOp::create(builder(), loc(), stored, place(memory, stored, index)), element);
}

Value WarpBuilder::loadWhere(Value mask, Value memory, Type element, Value index) {
  if (!mask) return load(memory, element, index);
  Value zero = constant(valueType(element), 0);
  auto branch = mlir::scf::IfOp::create(builder(), loc(), mlir::TypeRange{zero.getType()}, mask,
                                        /*addThenBlock=*/true, /*addElseBlock=*/true);
  builder().setInsertionPointToStart(branch.thenBlock());
  mlir::scf::YieldOp::create(builder(), loc(), load(memory, element, index));
  builder().setInsertionPointToStart(branch.elseBlock());
  mlir::scf::YieldOp::create(builder(), loc(), zero);
  builder().setInsertionPointAfter(branch);
  return branch.getResult(0);
}

Value WarpBuilder::loadLanes(Value memory, Type element, Value index, Value mask, int64_t) {
  return loadWhere(mask, memory, element, add(index, convert(lane_, i64())));
}

Value WarpBuilder::gather(Value memory, Type element, Value index, Value offsets, Value mask) {
  return loadWhere(mask, memory, element, add(index, offsets));
}

void WarpBuilder::storeOne(Value value, Value memory, Type element, Value index) {
  LLVM::StoreOp::create(builder(), loc(), toStored(value, element),
                        place(memory, storedType(element), index));
}

void WarpBuilder::store(Value scalar, Value memory, Type element, Value index) {
  ifThen(compare(CmpIPredicate::eq, lane_, zeroLike(lane_)),
         [&] { storeOne(scalar, memory, element, index); });
}

void WarpBuilder::storeLanes(Value value, Value memory, Type element, Value index, Value mask, int64_t) {
  Value at = add(index, convert(lane_, i64()));
  if (!mask) return storeOne(value, memory, element, at);
  ifThen(mask, [&] { storeOne(value, memory, element, at); });
}

} // namespace tailor::backend::cuda
