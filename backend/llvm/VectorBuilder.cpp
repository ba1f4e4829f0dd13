#include "backend/llvm/VectorBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tailor::backend {

using mlir::Type;
using mlir::Value;
using mlir::VectorType;
namespace arith = mlir::arith;
namespace LLVM = mlir::LLVM;
namespace vector = mlir::vector;

static unsigned bytesOf(Type element) {
  return std::max(1u, element.getIntOrFloatBitWidth() / 8);
}

Type VectorBuilder::lanesOf(Type element) {
  return VectorType::get({int64_t(lanes())}, element);
}

Type VectorBuilder::pointer() {
  return LLVM::LLVMPointerType::get(builder().getContext());
}

unsigned VectorBuilder::lanesAlignment(Type stored, int64_t) {
  return bytesOf(stored);
}

// --- lanes

Value VectorBuilder::laneNumbers() {
  llvm::SmallVector<int32_t> values(lanes());
  for (unsigned lane = 0; lane < lanes(); ++lane)
    values[lane] = static_cast<int32_t>(lane);
  auto type = mlir::cast<VectorType>(lanesOf(i32()));
  return cached(type, mlir::DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>(values)));
}

Value VectorBuilder::prefixMask(int64_t active) {
  llvm::SmallVector<bool> values(lanes());
  for (unsigned lane = 0; lane < lanes(); ++lane)
    values[lane] = lane < active;
  auto type = mlir::cast<VectorType>(lanesOf(i1()));
  return cached(type, mlir::DenseElementsAttr::get(type, llvm::ArrayRef<bool>(values)));
}

Value VectorBuilder::prefixMask(Value active) {
  Value count = arith::TruncIOp::create(builder(), loc(), i32(), min(active, index(lanes())));
  return compare(arith::CmpIPredicate::slt, laneNumbers(), splat(count));
}

Value VectorBuilder::splat(Value scalar) {
  return vector::BroadcastOp::create(builder(), loc(), lanesOf(scalar.getType()), scalar);
}

Value VectorBuilder::foldLanes(Value v, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t width = lanes(); width > 1; width /= 2) {
    llvm::SmallVector<int64_t> low(width / 2), high(width / 2);
    for (int64_t lane = 0; lane < width / 2; ++lane) {
      low[lane] = lane;
      high[lane] = lane + width / 2;
    }
    Value lower = vector::ShuffleOp::create(builder(), loc(), v, v, low);
    Value upper = vector::ShuffleOp::create(builder(), loc(), v, v, high);
    v = combine(lower, upper);
  }
  return vector::ExtractOp::create(builder(), loc(), v, llvm::ArrayRef<int64_t>{0});
}

// --- memory

Value VectorBuilder::elementPointer(Value base, Type element, Value index) {
  return LLVM::GEPOp::create(builder(), loc(), pointer(), storedType(element), base, mlir::ValueRange{index});
}

Value VectorBuilder::loadPointer(Value buffers, int64_t slot) {
  Value place =
      LLVM::GEPOp::create(builder(), loc(), pointer(), pointer(), buffers, mlir::ValueRange{index(slot)});
  return LLVM::LoadOp::create(builder(), loc(), pointer(), place);
}

llvm::SmallVector<Value, 2> VectorBuilder::widenWords(Value words, Type shape) {
  if (!mlir::isa<VectorType>(shape)) return LaneBuilder::widenWords(words, shape);
  auto half = VectorType::get({int64_t(lanes()) / 2}, i64());
  if (!mlir::isa<VectorType>(words.getType())) {
    Value all = vector::BroadcastOp::create(builder(), loc(), half, convert(words, i64()));
    return {all, all};
  }
  Value even = vector::BitCastOp::create(builder(), loc(), half, words);
  return {even, shiftRight(even, 32)};
}

Value VectorBuilder::narrowWords(llvm::ArrayRef<Value> parts) {
  if (parts.size() == 1) return LaneBuilder::narrowWords(parts);
  Value even = bitAnd(parts[0], constant(parts[0].getType(), 0xFFFFFFFFu));
  return vector::BitCastOp::create(builder(), loc(), lanesOf(i32()), bitOr(even, shiftLeft(parts[1], 32)));
}

Value VectorBuilder::load(Value base, Type element, Value index) {
  Type stored = storedType(element);
  Value v =
      LLVM::LoadOp::create(builder(), loc(), stored, elementPointer(base, element, index), bytesOf(stored));
  return fromStored(v, element);
}

Value VectorBuilder::loadLanes(Value base, Type element, Value index, Value mask, int64_t multiple) {
  Type stored = storedType(element);
  Type type = lanesOf(stored);
  Value place = elementPointer(base, element, index);
  Value v;
  if (mask) {
    v = LLVM::MaskedLoadOp::create(builder(), loc(), type, place, mask, constant(type, 0),
                                   builder().getI32IntegerAttr(bytesOf(stored)));
  } else {
    v = LLVM::LoadOp::create(builder(), loc(), type, place, lanesAlignment(stored, multiple));
  }
  return fromStored(v, element);
}

Value VectorBuilder::gather(Value base, Type element, Value index, Value offsets, Value mask) {
  Type stored = storedType(element);
  Type type = lanesOf(stored);
  Value first = elementPointer(base, element, index);
  Value places =
      LLVM::GEPOp::create(builder(), loc(), lanesOf(pointer()), stored, first, mlir::ValueRange{offsets});
  if (!mask) mask = prefixMask(int64_t(lanes()));
  Value v =
      LLVM::masked_gather::create(builder(), loc(), type, places, mask, mlir::ValueRange{constant(type, 0)},
                                  builder().getI32IntegerAttr(bytesOf(stored)));
  return fromStored(v, element);
}

void VectorBuilder::store(Value scalar, Value base, Type element, Value index) {
  storeLanes(scalar, base, element, index);
}

void VectorBuilder::storeLanes(Value value, Value base, Type element, Value index, Value mask,
                               int64_t multiple) {
  value = toStored(value, element);
  Value place = elementPointer(base, element, index);
  Type stored = storedType(element);
  bool wide = mlir::isa<VectorType>(value.getType());
  if (mask)
    LLVM::MaskedStoreOp::create(builder(), loc(), value, place, mask,
                                builder().getI32IntegerAttr(bytesOf(stored)));
  else
    LLVM::StoreOp::create(builder(), loc(), value, place,
                          wide ? lanesAlignment(stored, multiple) : bytesOf(stored));
}

void VectorBuilder::store(Value value, Value base, Value index, Value mask) {
  storeLanes(value, base, mlir::getElementTypeOrSelf(value.getType()), index, mask);
}

} // namespace tailor::backend
