#include "backend/cpu/evaluate/VectorBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <bit>
#include <cmath>

namespace tailor::backend {

using mlir::Type;
using mlir::Value;
using mlir::VectorType;
namespace arith = mlir::arith;
namespace LLVM = mlir::LLVM;
namespace vector = mlir::vector;

namespace {
Type elementOf(Type type) {
  return mlir::getElementTypeOrSelf(type);
}
bool isFloat(Value v) {
  return mlir::isa<mlir::FloatType>(elementOf(v.getType()));
}
unsigned bytesOf(Type element) {
  return std::max(1u, element.getIntOrFloatBitWidth() / 8);
}
} // namespace

VectorBuilder::VectorBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, unsigned lanes)
    : builder_(builder), loc_(loc), entry_(entry), lanes_(lanes) {}

Type VectorBuilder::pointer() {
  return LLVM::LLVMPointerType::get(builder_.getContext());
}

Type VectorBuilder::withElement(Type shape, Type element) {
  if (auto vectorType = mlir::dyn_cast<VectorType>(shape))
    return VectorType::get(vectorType.getShape(), element);
  return element;
}

// --- constants

Value VectorBuilder::cached(Type type, mlir::TypedAttr value) {
  Value& slot = constants_[value];
  if (!slot) {
    mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointToStart(entry_);
    slot = arith::ConstantOp::create(builder_, loc_, type, value);
  }
  return slot;
}

Value VectorBuilder::constant(Type type, double value) {
  Type element = elementOf(type);
  mlir::TypedAttr attribute;
  if (mlir::isa<mlir::FloatType>(element))
    attribute = builder_.getFloatAttr(element, value);
  else
    attribute = builder_.getIntegerAttr(element, static_cast<int64_t>(value));
  if (auto vectorType = mlir::dyn_cast<VectorType>(type))
    attribute = mlir::DenseElementsAttr::get(vectorType, mlir::Attribute(attribute));
  return cached(type, attribute);
}

Value VectorBuilder::bits(Type type, uint32_t pattern) {
  if (elementOf(type).isF32()) return constant(type, std::bit_cast<float>(pattern));
  return constant(type, static_cast<int32_t>(pattern));
}

Value VectorBuilder::iotaI32() {
  llvm::SmallVector<int32_t> values(lanes_);
  for (unsigned lane = 0; lane < lanes_; ++lane)
    values[lane] = static_cast<int32_t>(lane);
  auto type = mlir::cast<VectorType>(vectorOf(i32()));
  return cached(type, mlir::DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>(values)));
}

Value VectorBuilder::prefixMask(int64_t active) {
  llvm::SmallVector<bool> values(lanes_);
  for (unsigned lane = 0; lane < lanes_; ++lane)
    values[lane] = lane < active;
  auto type = mlir::cast<VectorType>(vectorOf(i1()));
  return cached(type, mlir::DenseElementsAttr::get(type, llvm::ArrayRef<bool>(values)));
}

Value VectorBuilder::prefixMask(Value active) {
  Value count = arith::TruncIOp::create(builder_, loc_, i32(), min(active, index(lanes_)));
  return compare(arith::CmpIPredicate::slt, iotaI32(), splat(count));
}

Value VectorBuilder::splat(Value scalar) {
  return vector::BroadcastOp::create(builder_, loc_, vectorOf(scalar.getType()), scalar);
}

Value VectorBuilder::matchShape(Value v, Type shape) {
  return mlir::isa<VectorType>(shape) && !mlir::isa<VectorType>(v.getType()) ? splat(v) : v;
}

// --- arithmetic

Value VectorBuilder::add(Value a, Value b) {
  if (isFloat(a)) return arith::AddFOp::create(builder_, loc_, a, b);
  return arith::AddIOp::create(builder_, loc_, a, b);
}

Value VectorBuilder::sub(Value a, Value b) {
  if (isFloat(a)) return arith::SubFOp::create(builder_, loc_, a, b);
  return arith::SubIOp::create(builder_, loc_, a, b);
}

Value VectorBuilder::mul(Value a, Value b) {
  if (isFloat(a)) return arith::MulFOp::create(builder_, loc_, a, b);
  return arith::MulIOp::create(builder_, loc_, a, b);
}

Value VectorBuilder::div(Value a, Value b) {
  if (isFloat(a)) return arith::DivFOp::create(builder_, loc_, a, b);
  // The processor traps on x / 0 and on lowest / -1: divide by 1 there and repair the result.
  Value zero = zeroLike(b), one = constant(b.getType(), 1), minusOne = constant(b.getType(), -1);
  Value byZero = compare(arith::CmpIPredicate::eq, b, zero);
  Value byMinusOne = compare(arith::CmpIPredicate::eq, b, minusOne);
  Value special = bitOr(byZero, byMinusOne);
  Value quotient = arith::DivSIOp::create(builder_, loc_, a, select(special, one, b));
  return select(byZero, zero, select(byMinusOne, sub(zero, a), quotient));
}

Value VectorBuilder::fma(Value a, Value b, Value c) {
  return mlir::math::FmaOp::create(builder_, loc_, a, b, c);
}

Value VectorBuilder::neg(Value a) {
  if (isFloat(a)) return arith::NegFOp::create(builder_, loc_, a);
  return sub(zeroLike(a), a);
}

Value VectorBuilder::abs(Value a) {
  if (isFloat(a)) return mlir::math::AbsFOp::create(builder_, loc_, a);
  return select(compare(arith::CmpIPredicate::slt, a, zeroLike(a)), neg(a), a);
}

Value VectorBuilder::max(Value a, Value b) {
  if (!isFloat(a)) return arith::MaxSIOp::create(builder_, loc_, a, b);
  // The inner select is one MAXPS: b when either is NaN; then a NaN in `a` is put back.
  Value larger = select(compare(arith::CmpFPredicate::OGT, a, b), a, b);
  return select(compare(arith::CmpFPredicate::UNO, a, a), a, larger);
}

Value VectorBuilder::min(Value a, Value b) {
  if (!isFloat(a)) return arith::MinSIOp::create(builder_, loc_, a, b);
  Value smaller = select(compare(arith::CmpFPredicate::OLT, a, b), a, b);
  return select(compare(arith::CmpFPredicate::UNO, a, a), a, smaller);
}

Value VectorBuilder::sqrt(Value a) {
  return mlir::math::SqrtOp::create(builder_, loc_, a);
}

Value VectorBuilder::compare(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(builder_, loc_, predicate, a, b);
}

Value VectorBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder_, loc_, predicate, a, b);
}

Value VectorBuilder::select(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(builder_, loc_, condition, yes, no);
}

Value VectorBuilder::bitAnd(Value a, Value b) {
  return arith::AndIOp::create(builder_, loc_, a, b);
}
Value VectorBuilder::bitOr(Value a, Value b) {
  return arith::OrIOp::create(builder_, loc_, a, b);
}
Value VectorBuilder::bitXor(Value a, Value b) {
  return arith::XOrIOp::create(builder_, loc_, a, b);
}

Value VectorBuilder::shiftLeft(Value a, int amount) {
  return arith::ShLIOp::create(builder_, loc_, a, constant(a.getType(), amount));
}

Value VectorBuilder::shiftRight(Value a, int amount) {
  return arith::ShRUIOp::create(builder_, loc_, a, constant(a.getType(), amount));
}

Value VectorBuilder::bitcast(Value a, Type element) {
  Type type = withElement(a.getType(), element);
  return type == a.getType() ? a : arith::BitcastOp::create(builder_, loc_, type, a);
}

Value VectorBuilder::toFloat(Value a) {
  return convert(a, f32());
}

Value VectorBuilder::convert(Value a, Type to) {
  Type from = elementOf(a.getType());
  if (from == to) return a;
  Type type = withElement(a.getType(), to);
  bool fromFloat = mlir::isa<mlir::FloatType>(from), toFloatType = mlir::isa<mlir::FloatType>(to);
  if (to.isInteger(1)) {
    Value zero = zeroLike(a);
    return fromFloat ? compare(arith::CmpFPredicate::UNE, a, zero)
                     : compare(arith::CmpIPredicate::ne, a, zero);
  }
  if (fromFloat && toFloatType) {
    if (to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(builder_, loc_, type, a);
    return arith::TruncFOp::create(builder_, loc_, type, a);
  }
  if (toFloatType) {
    if (from.isInteger(1)) return arith::UIToFPOp::create(builder_, loc_, type, a);
    return arith::SIToFPOp::create(builder_, loc_, type, a);
  }
  if (fromFloat) {
    // Conversion outside the range is undefined: convert a harmless number there, then put the limit in.
    int width = static_cast<int>(to.getIntOrFloatBitWidth());
    double limit = std::ldexp(1.0, width - 1);
    Value high = compare(arith::CmpFPredicate::OGE, a, constant(a.getType(), limit));
    Value low = compare(arith::CmpFPredicate::OLT, a, constant(a.getType(), -limit));
    Value nan = compare(arith::CmpFPredicate::UNO, a, a);
    Value safe = select(bitOr(bitOr(high, low), nan), zeroLike(a), a);
    Value converted = arith::FPToSIOp::create(builder_, loc_, type, safe);
    mlir::TypedAttr largest = builder_.getIntegerAttr(to, llvm::APInt::getSignedMaxValue(width));
    mlir::TypedAttr smallest = builder_.getIntegerAttr(to, llvm::APInt::getSignedMinValue(width));
    Value top = matchShape(cached(to, largest), type), bottom = matchShape(cached(to, smallest), type);
    return select(high, top, select(low, bottom, converted));
  }
  if (to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(builder_, loc_, type, a);
  if (from.isInteger(1)) return arith::ExtUIOp::create(builder_, loc_, type, a);
  return arith::ExtSIOp::create(builder_, loc_, type, a);
}

std::pair<Value, Value> VectorBuilder::mulWide(Value a, Value b) {
  auto wide = arith::MulUIExtendedOp::create(builder_, loc_, a, b);
  return {wide.getLow(), wide.getHigh()};
}

Value VectorBuilder::foldLanes(Value v, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t width = lanes_; width > 1; width /= 2) {
    llvm::SmallVector<int64_t> low(width / 2), high(width / 2);
    for (int64_t lane = 0; lane < width / 2; ++lane) {
      low[lane] = lane;
      high[lane] = lane + width / 2;
    }
    Value lower = vector::ShuffleOp::create(builder_, loc_, v, v, low);
    Value upper = vector::ShuffleOp::create(builder_, loc_, v, v, high);
    v = combine(lower, upper);
  }
  return vector::ExtractOp::create(builder_, loc_, v, llvm::ArrayRef<int64_t>{0});
}

// --- memory

Type VectorBuilder::memoryType(Type element) {
  return element.isInteger(1) || element.isUnsignedInteger(8) ? builder_.getI8Type() : element;
}

Value VectorBuilder::fromMemory(Value stored, Type element) {
  if (element.isInteger(1)) return convert(stored, element);
  if (element.isUnsignedInteger(8))
    return arith::ExtUIOp::create(builder_, loc_, withElement(stored.getType(), i32()), stored);
  return stored;
}

Value VectorBuilder::elementPointer(Value base, Type element, Value index) {
  return LLVM::GEPOp::create(builder_, loc_, pointer(), memoryType(element), base, mlir::ValueRange{index});
}

Value VectorBuilder::loadPointer(Value buffers, int64_t slot) {
  Value place =
      LLVM::GEPOp::create(builder_, loc_, pointer(), pointer(), buffers, mlir::ValueRange{index(slot)});
  return LLVM::LoadOp::create(builder_, loc_, pointer(), place);
}

Value VectorBuilder::load(Value base, Type element, Value index) {
  Type stored = memoryType(element);
  Value v =
      LLVM::LoadOp::create(builder_, loc_, stored, elementPointer(base, element, index), bytesOf(stored));
  return fromMemory(v, element);
}

Value VectorBuilder::loadVector(Value base, Type element, Value index, Value mask) {
  Type stored = memoryType(element);
  Type type = vectorOf(stored);
  Value place = elementPointer(base, element, index);
  Value v;
  if (mask) {
    v = LLVM::MaskedLoadOp::create(builder_, loc_, type, place, mask, constant(type, 0),
                                   builder_.getI32IntegerAttr(bytesOf(stored)));
  } else {
    v = LLVM::LoadOp::create(builder_, loc_, type, place, bytesOf(stored));
  }
  return fromMemory(v, element);
}

Value VectorBuilder::gather(Value base, Type element, Value index, Value mask) {
  Type stored = memoryType(element);
  Type type = vectorOf(stored);
  Value places =
      LLVM::GEPOp::create(builder_, loc_, vectorOf(pointer()), stored, base, mlir::ValueRange{index});
  if (!mask) mask = prefixMask(int64_t(lanes_));
  Value v =
      LLVM::masked_gather::create(builder_, loc_, type, places, mask, mlir::ValueRange{constant(type, 0)},
                                  builder_.getI32IntegerAttr(bytesOf(stored)));
  return fromMemory(v, element);
}

void VectorBuilder::store(Value value, Value base, Value index, Value mask) {
  Type element = elementOf(value.getType());
  if (element.isInteger(1)) value = convert(value, builder_.getI8Type());
  Type stored = memoryType(element);
  Value place = elementPointer(base, element, index);
  if (mask)
    LLVM::MaskedStoreOp::create(builder_, loc_, value, place, mask,
                                builder_.getI32IntegerAttr(bytesOf(stored)));
  else
    LLVM::StoreOp::create(builder_, loc_, value, place, bytesOf(stored));
}

// --- control flow

mlir::scf::ForOp VectorBuilder::loop(Value from, Value to, int64_t step, mlir::ValueRange carried,
                                     Body body) {
  auto loop = mlir::scf::ForOp::create(builder_, loc_, from, to, index(step), carried);
  mlir::Block* block = loop.getBody();
  bool hasTerminator = block->mightHaveTerminator();
  if (hasTerminator) block->back().erase();
  builder_.setInsertionPointToEnd(block);
  llvm::SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  builder_.setInsertionPointToEnd(block);
  mlir::scf::YieldOp::create(builder_, loc_, next);
  builder_.setInsertionPointAfter(loop);
  return loop;
}

void VectorBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = mlir::scf::IfOp::create(builder_, loc_, condition, /*withElseRegion=*/false);
  builder_.setInsertionPointToStart(branch.thenBlock());
  body();
  builder_.setInsertionPointAfter(branch);
}

} // namespace tailor::backend
