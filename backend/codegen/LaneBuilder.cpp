#include "backend/codegen/LaneBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <bit>
#include <cmath>

namespace tailor::backend {

using mlir::Type;
using mlir::Value;
using mlir::VectorType;
namespace arith = mlir::arith;

namespace {
Type elementOf(Type type) {
  return mlir::getElementTypeOrSelf(type);
}
bool isFloat(Value v) {
  return mlir::isa<mlir::FloatType>(elementOf(v.getType()));
}
} // namespace

LaneBuilder::LaneBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, unsigned lanes)
    : builder_(builder), loc_(loc), entry_(entry), lanes_(lanes) {
  assert(llvm::isPowerOf2_32(lanes) && "lanes meet by halves");
}

Type LaneBuilder::withElement(Type shape, Type element) {
  if (auto vectorType = mlir::dyn_cast<VectorType>(shape))
    return VectorType::get(vectorType.getShape(), element);
  return element;
}

// --- constants

Value LaneBuilder::cached(Type type, mlir::TypedAttr value) {
  Value& slot = constants_[value];
  if (!slot) {
    mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointToStart(entry_);
    slot = arith::ConstantOp::create(builder_, loc_, type, value);
  }
  return slot;
}

Value LaneBuilder::constant(Type type, double value) {
  Type element = elementOf(type);
  if (!mlir::isa<mlir::FloatType>(element)) return integer(type, static_cast<int64_t>(value));
  return inEveryLane(type, builder_.getFloatAttr(element, value));
}

Value LaneBuilder::integer(Type type, int64_t value) {
  return inEveryLane(type, builder_.getIntegerAttr(elementOf(type), value));
}

Value LaneBuilder::inEveryLane(Type type, mlir::TypedAttr element) {
  if (auto vectorType = mlir::dyn_cast<VectorType>(type))
    element = mlir::DenseElementsAttr::get(vectorType, mlir::Attribute(element));
  return cached(type, element);
}

Value LaneBuilder::bits(Type type, uint32_t pattern) {
  if (elementOf(type).isF32()) return constant(type, std::bit_cast<float>(pattern));
  return integer(type, static_cast<int32_t>(pattern));
}

Value LaneBuilder::matchShape(Value v, Type shape) {
  return mlir::isa<VectorType>(shape) && !mlir::isa<VectorType>(v.getType()) ? splat(v) : v;
}

std::pair<Value, Value> LaneBuilder::matchShapes(Value a, Value b) {
  Value first = matchShape(a, b.getType());
  return {first, matchShape(b, a.getType())};
}

// --- arithmetic

Value LaneBuilder::add(Value a, Value b) {
  if (isFloat(a)) return arith::AddFOp::create(builder_, loc_, a, b);
  return arith::AddIOp::create(builder_, loc_, a, b);
}

Value LaneBuilder::sub(Value a, Value b) {
  if (isFloat(a)) return arith::SubFOp::create(builder_, loc_, a, b);
  return arith::SubIOp::create(builder_, loc_, a, b);
}

Value LaneBuilder::mul(Value a, Value b) {
  if (isFloat(a)) return arith::MulFOp::create(builder_, loc_, a, b);
  return arith::MulIOp::create(builder_, loc_, a, b);
}

Value LaneBuilder::div(Value a, Value b) {
  if (isFloat(a)) return arith::DivFOp::create(builder_, loc_, a, b);
  // The processor traps on x / 0 and on lowest / -1: divide by 1 there and repair the result.
  Value zero = zeroLike(b), one = constant(b.getType(), 1), minusOne = constant(b.getType(), -1);
  Value byZero = compare(arith::CmpIPredicate::eq, b, zero);
  Value byMinusOne = compare(arith::CmpIPredicate::eq, b, minusOne);
  Value special = bitOr(byZero, byMinusOne);
  Value quotient = arith::DivSIOp::create(builder_, loc_, a, select(special, one, b));
  return select(byZero, zero, select(byMinusOne, sub(zero, a), quotient));
}

Value LaneBuilder::fma(Value a, Value b, Value c) {
  return mlir::math::FmaOp::create(builder_, loc_, a, b, c);
}

Value LaneBuilder::neg(Value a) {
  if (isFloat(a)) return arith::NegFOp::create(builder_, loc_, a);
  return sub(zeroLike(a), a);
}

Value LaneBuilder::abs(Value a) {
  if (isFloat(a)) return mlir::math::AbsFOp::create(builder_, loc_, a);
  return select(compare(arith::CmpIPredicate::slt, a, zeroLike(a)), neg(a), a);
}

Value LaneBuilder::max(Value a, Value b) {
  if (!isFloat(a)) return arith::MaxSIOp::create(builder_, loc_, a, b);
  // The inner select is one MAXPS: b when either is NaN; then a NaN in `a` is put back.
  Value larger = select(compare(arith::CmpFPredicate::OGT, a, b), a, b);
  return select(compare(arith::CmpFPredicate::UNO, a, a), a, larger);
}

Value LaneBuilder::min(Value a, Value b) {
  if (!isFloat(a)) return arith::MinSIOp::create(builder_, loc_, a, b);
  Value smaller = select(compare(arith::CmpFPredicate::OLT, a, b), a, b);
  return select(compare(arith::CmpFPredicate::UNO, a, a), a, smaller);
}

Value LaneBuilder::sqrt(Value a) {
  return mlir::math::SqrtOp::create(builder_, loc_, a);
}

Value LaneBuilder::compare(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(builder_, loc_, predicate, a, b);
}

Value LaneBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder_, loc_, predicate, a, b);
}

Value LaneBuilder::select(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(builder_, loc_, condition, yes, no);
}

Value LaneBuilder::bitAnd(Value a, Value b) {
  return arith::AndIOp::create(builder_, loc_, a, b);
}
Value LaneBuilder::bitOr(Value a, Value b) {
  return arith::OrIOp::create(builder_, loc_, a, b);
}
Value LaneBuilder::bitXor(Value a, Value b) {
  return arith::XOrIOp::create(builder_, loc_, a, b);
}

Value LaneBuilder::shiftLeft(Value a, int amount) {
  return arith::ShLIOp::create(builder_, loc_, a, constant(a.getType(), amount));
}

Value LaneBuilder::shiftRight(Value a, int amount) {
  return arith::ShRUIOp::create(builder_, loc_, a, constant(a.getType(), amount));
}

Value LaneBuilder::shiftRightSigned(Value a, int amount) {
  return arith::ShRSIOp::create(builder_, loc_, a, constant(a.getType(), amount));
}

Value LaneBuilder::divUnsigned(Value a, int64_t by) {
  return by == 1 ? a : arith::DivUIOp::create(builder_, loc_, a, integer(a.getType(), by));
}

Value LaneBuilder::remUnsigned(Value a, int64_t by) {
  return arith::RemUIOp::create(builder_, loc_, a, integer(a.getType(), by));
}

Value LaneBuilder::bitcast(Value a, Type element) {
  Type type = withElement(a.getType(), element);
  return type == a.getType() ? a : arith::BitcastOp::create(builder_, loc_, type, a);
}

Value LaneBuilder::toFloat(Value a) {
  return convert(a, f32());
}

Value LaneBuilder::convert(Value a, Type to) {
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
    Value top = integer(type, llvm::APInt::getSignedMaxValue(width).getSExtValue());
    Value bottom = integer(type, llvm::APInt::getSignedMinValue(width).getSExtValue());
    return select(high, top, select(low, bottom, converted));
  }
  if (to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(builder_, loc_, type, a);
  if (from.isInteger(1)) return arith::ExtUIOp::create(builder_, loc_, type, a);
  return arith::ExtSIOp::create(builder_, loc_, type, a);
}

llvm::SmallVector<Value, 2> LaneBuilder::widenWords(Value words, Type shape) {
  return {convert(matchShape(words, shape), i64())};
}

Value LaneBuilder::narrowWords(llvm::ArrayRef<Value> parts) {
  return convert(parts.front(), i32());
}

// --- memory

Type LaneBuilder::valueType(Type element) {
  if (element.isUnsignedInteger(8)) return i32();
  return element.isBF16() ? f32() : element;
}

/// The nearest f32 whose low `dropped` bits are 0.
static Value roundFraction(LaneBuilder& b, Value a, unsigned dropped) {
  Value bits = b.bitcast(a, b.i32());
  auto pattern = [&](uint32_t value) { return b.bits(bits.getType(), value); };
  const uint32_t half = 1u << (dropped - 1);
  // Half a unit in the last place that stays, less one unless that place is odd, carries over as rounding does.
  Value odd = b.bitAnd(b.shiftRight(bits, dropped), pattern(1));
  Value rounded = b.add(bits, b.add(odd, pattern(half - 1)));
  Value nan = b.compare(arith::CmpFPredicate::UNO, a, a);
  rounded = b.select(nan, b.bitOr(bits, pattern(0x00400000)),
                     rounded); // or a NaN of low bits would become infinite
  return b.bitcast(b.bitAnd(rounded, pattern(~(2 * half - 1))), b.f32());
}

Value LaneBuilder::roundToBf16(Value a) {
  return roundFraction(*this, a, 16);
}

Value LaneBuilder::roundToTf32(Value a) {
  return roundFraction(*this, a, 13);
}

Type LaneBuilder::storedType(Type element) {
  if (element.isBF16()) return builder_.getI16Type();
  return element.isInteger(1) || element.isUnsignedInteger(8) ? builder_.getI8Type() : element;
}

Value LaneBuilder::fromStored(Value stored, Type element) {
  if (element.isInteger(1)) return convert(stored, element);
  if (element.isUnsignedInteger(8))
    return arith::ExtUIOp::create(builder_, loc_, withElement(stored.getType(), i32()), stored);
  if (element.isBF16()) {
    Value bits = arith::ExtUIOp::create(builder_, loc_, withElement(stored.getType(), i32()), stored);
    return bitcast(shiftLeft(bits, 16), f32());
  }
  return stored;
}

Value LaneBuilder::toStored(Value value, Type element) {
  if (element.isBF16()) { // what it loses is zero
    Value bits = shiftRight(bitcast(value, i32()), 16);
    return arith::TruncIOp::create(builder_, loc_, withElement(bits.getType(), storedType(element)), bits);
  }
  return element.isInteger(1) ? convert(value, storedType(element)) : value;
}

// --- control flow

mlir::scf::ForOp LaneBuilder::loop(Value from, Value to, int64_t step, mlir::ValueRange carried, Body body) {
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

void LaneBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = mlir::scf::IfOp::create(builder_, loc_, condition, /*withElseRegion=*/false);
  builder_.setInsertionPointToStart(branch.thenBlock());
  body();
  builder_.setInsertionPointAfter(branch);
}

} // namespace tailor::backend
