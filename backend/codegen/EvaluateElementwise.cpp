#include "backend/codegen/EvaluateOps.h"

#include "backend/codegen/ElementaryFunctions.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpFPredicate;
using mlir::arith::CmpIPredicate;

namespace {

bool isFloat(Value v) {
  return mlir::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(v.getType()));
}

Value sign(LaneBuilder& b, Value x) {
  Value zero = b.zeroLike(x), one = b.constant(x.getType(), 1), minusOne = b.constant(x.getType(), -1);
  if (!isFloat(x))
    return b.select(b.compare(CmpIPredicate::sgt, x, zero), one,
                    b.select(b.compare(CmpIPredicate::slt, x, zero), minusOne, zero));
  Value negative = b.select(b.compare(CmpFPredicate::OLT, x, zero), minusOne, x); // keeps zeros and NaN
  return b.select(b.compare(CmpFPredicate::OGT, x, zero), one, negative);
}

Value relu(LaneBuilder& b, Value x) {
  Value zero = b.zeroLike(x);
  return b.select(b.compare(CmpFPredicate::OLT, x, zero), zero, x); // one MAXPS; NaN stays NaN
}

Value gelu(LaneBuilder& b, Value x, ir::GeluForm form) {
  Type type = x.getType();
  Value argument;
  if (form == ir::GeluForm::Erf) {
    argument = emitErf(b, b.mul(x, b.constant(type, std::numbers::sqrt2 / 2)));
  } else {
    Value cubic = b.mul(b.mul(x, x), x);
    Value inner = b.fma(b.constant(type, 0.044715), cubic, x);
    argument = emitTanh(b, b.mul(inner, b.constant(type, std::sqrt(2 / std::numbers::pi))));
  }
  return b.mul(b.mul(x, b.constant(type, 0.5)), b.add(b.constant(type, 1), argument));
}

Value compareValues(LaneBuilder& b, Value x, Value y, ir::Direction direction) {
  bool floats = isFloat(x);
  auto pick = [&](CmpFPredicate f, CmpIPredicate i) {
    return floats ? b.compare(f, x, y) : b.compare(i, x, y);
  };
  switch (direction) {
  case ir::Direction::Eq:
    return pick(CmpFPredicate::OEQ, CmpIPredicate::eq);
  case ir::Direction::Ne:
    return pick(CmpFPredicate::UNE, CmpIPredicate::ne);
  case ir::Direction::Lt:
    return pick(CmpFPredicate::OLT, CmpIPredicate::slt);
  case ir::Direction::Le:
    return pick(CmpFPredicate::OLE, CmpIPredicate::sle);
  case ir::Direction::Gt:
    return pick(CmpFPredicate::OGT, CmpIPredicate::sgt);
  case ir::Direction::Ge:
    return pick(CmpFPredicate::OGE, CmpIPredicate::sge);
  }
  return {};
}

Value clamp(LaneBuilder& b, Value x, double low, double high) {
  Value lo = b.constant(x.getType(), low), hi = b.constant(x.getType(), high);
  x = b.select(b.compare(CmpFPredicate::OLT, x, lo), lo, x);
  return b.select(b.compare(CmpFPredicate::OGT, x, hi), hi, x);
}

} // namespace

Value evaluateElementwise(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  mlir::Operation* op = result.getOwner();
  if (!op->hasTrait<ir::Elementwise>()) return {};
  llvm::SmallVector<Value, 3> in;
  for (Value operand : op->getOperands())
    in.push_back(e.at(operand, coords));
  if (e.failed()) return {};
  auto one = [&] { return b.constant(in[0].getType(), 1); };
  return llvm::TypeSwitch<mlir::Operation*, Value>(op)
      .Case([&](ir::StopGradientOp) { return in[0]; })
      .Case([&](ir::NegOp) { return b.neg(in[0]); })
      .Case([&](ir::AbsOp) { return b.abs(in[0]); })
      .Case([&](ir::SignOp) { return sign(b, in[0]); })
      .Case([&](ir::ExpOp) { return emitExp(b, in[0]); })
      .Case([&](ir::Expm1Op) { return emitExpm1(b, in[0]); })
      .Case([&](ir::LogOp) { return emitLog(b, in[0]); })
      .Case([&](ir::Log1pOp) { return emitLog1p(b, in[0]); })
      .Case([&](ir::SqrtOp) { return b.sqrt(in[0]); })
      .Case([&](ir::RsqrtOp) { return b.div(one(), b.sqrt(in[0])); })
      .Case([&](ir::ReciprocalOp) { return b.div(one(), in[0]); })
      .Case([&](ir::SquareOp) { return b.mul(in[0], in[0]); })
      .Case([&](ir::TanhOp) { return emitTanh(b, in[0]); })
      .Case([&](ir::SigmoidOp) { return emitSigmoid(b, in[0]); })
      .Case([&](ir::ErfOp) { return emitErf(b, in[0]); })
      .Case([&](ir::SinOp) { return emitSin(b, in[0]); })
      .Case([&](ir::CosOp) { return emitCos(b, in[0]); })
      .Case([&](ir::ReluOp) { return relu(b, in[0]); })
      .Case([&](ir::SiluOp) { return b.mul(in[0], emitSigmoid(b, in[0])); })
      .Case([&](ir::GeluOp gelu_) { return gelu(b, in[0], gelu_.getForm()); })
      .Case([&](ir::LogicalNotOp) { return b.bitXor(in[0], one()); })
      .Case([&](ir::IsFiniteOp) {
        Value infinity = b.constant(in[0].getType(), std::numeric_limits<double>::infinity());
        return b.compare(CmpFPredicate::OLT, b.abs(in[0]), infinity);
      })
      .Case([&](ir::AddOp) { return b.add(in[0], in[1]); })
      .Case([&](ir::SubOp) { return b.sub(in[0], in[1]); })
      .Case([&](ir::MulOp) { return b.mul(in[0], in[1]); })
      .Case([&](ir::DivOp) { return b.div(in[0], in[1]); })
      .Case([&](ir::MaxOp) { return b.max(in[0], in[1]); })
      .Case([&](ir::MinOp) { return b.min(in[0], in[1]); })
      .Case([&](ir::PowOp) { return emitPow(b, in[0], in[1]); })
      .Case([&](ir::LogicalAndOp) { return b.bitAnd(in[0], in[1]); })
      .Case([&](ir::LogicalOrOp) { return b.bitOr(in[0], in[1]); })
      .Case([&](ir::CompareOp compare) { return compareValues(b, in[0], in[1], compare.getDirection()); })
      .Case([&](ir::WhereOp) { return b.select(in[0], in[1], in[2]); })
      .Case([&](ir::DropoutOp dropout) {
        double keep = 1 - dropout.getRate().convertToDouble();
        return b.select(in[1], b.mul(in[0], b.constant(in[0].getType(), 1 / keep)), b.zeroLike(in[0]));
      })
      .Case([&](ir::CastOp) {
        Value converted = b.convert(in[0], e.valueTypeOf(result));
        return tensorTypeOf(result).getElementType().isBF16() ? b.roundToBf16(converted) : converted;
      })
      .Case([&](ir::RoundTf32Op) { return b.roundToTf32(in[0]); })
      .Case([&](ir::ClampOp clamp_) {
        return clamp(b, in[0], clamp_.getLow().convertToDouble(), clamp_.getHigh().convertToDouble());
      })
      .Default([](mlir::Operation*) { return Value(); });
}

} // namespace tailor::backend
