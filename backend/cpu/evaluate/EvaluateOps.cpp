#include "backend/cpu/evaluate/EvaluateOps.h"

#include "backend/cpu/evaluate/VectorMath.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <numbers>

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpFPredicate;
using mlir::arith::CmpIPredicate;

namespace {

RankedTensorType tensorType(Value v) {
  return mlir::cast<RankedTensorType>(v.getType());
}

bool isFloat(Value v) {
  return mlir::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(v.getType()));
}

Value sign(VectorBuilder& b, Value x) {
  Value zero = b.zeroLike(x), one = b.constant(x.getType(), 1), minusOne = b.constant(x.getType(), -1);
  if (!isFloat(x))
    return b.select(b.compare(CmpIPredicate::sgt, x, zero), one,
                    b.select(b.compare(CmpIPredicate::slt, x, zero), minusOne, zero));
  Value negative = b.select(b.compare(CmpFPredicate::OLT, x, zero), minusOne, x); // keeps zeros and NaN
  return b.select(b.compare(CmpFPredicate::OGT, x, zero), one, negative);
}

Value relu(VectorBuilder& b, Value x) {
  Value zero = b.zeroLike(x);
  return b.select(b.compare(CmpFPredicate::OLT, x, zero), zero, x); // one MAXPS; NaN stays NaN
}

Value gelu(VectorBuilder& b, Value x, ir::GeluForm form) {
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

Value compareValues(VectorBuilder& b, Value x, Value y, ir::Direction direction) {
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

Value clamp(VectorBuilder& b, Value x, double low, double high) {
  Value lo = b.constant(x.getType(), low), hi = b.constant(x.getType(), high);
  x = b.select(b.compare(CmpFPredicate::OLT, x, lo), lo, x);
  return b.select(b.compare(CmpFPredicate::OGT, x, hi), hi, x);
}

} // namespace

Value evaluateElementwise(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
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
      .Case([&](ir::CastOp) { return b.convert(in[0], tensorType(result).getElementType()); })
      .Case([&](ir::ClampOp clamp_) {
        return clamp(b, in[0], clamp_.getLow().convertToDouble(), clamp_.getHigh().convertToDouble());
      })
      .Default([](mlir::Operation*) { return Value(); });
}

Value isBelow(Evaluator& e, const Coord& position, Value count) {
  VectorBuilder& b = e.builder();
  Value at = e.positionI32(position);
  return b.compare(CmpIPredicate::slt, at, b.matchShape(b.convert(count, b.i32()), at.getType()));
}

Value validRows(Evaluator& e, Value valid, Value rows) {
  if (!valid) return rows;
  VectorBuilder& b = e.builder();
  return e.remember(valid.getAsOpaquePointer(), 1, {}, [&] {
    Value count = b.convert(e.at(valid, {}), b.i64());
    return b.min(b.max(count, b.index(0)), rows);
  });
}

Value evaluateIndex(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  // The position that an index tensor names, limited to the table so that no data can make a kernel read
  // elsewhere.
  auto look = [&](Value index, ArrayRef<Coord> at, int64_t size) {
    Value position = e.remember(index.getAsOpaquePointer(), static_cast<unsigned>(size) + 1, at, [&] {
      Value named = b.convert(e.at(index, at), b.i64());
      Value zero = b.zeroLike(named), last = b.constant(named.getType(), double(size - 1));
      return b.max(zero, b.min(named, last));
    });
    unsigned level = Evaluator::levelOf(at);
    return Evaluator::hasLanes(at) ? e.gatherCoord(position, level) : e.indexCoord(position, level);
  };
  return llvm::TypeSwitch<mlir::Operation*, Value>(result.getOwner())
      .Case([&](ir::TakeOp op) {
        int64_t indexRank = tensorType(op.getIndex()).getRank();
        Coord row =
            look(op.getIndex(), coords.take_front(indexRank), tensorType(op.getTable()).getDimSize(0));
        for (const Coord& c : coords.take_front(indexRank))
          if (c.mask) row.mask = c.mask;
        Coords at{row};
        llvm::append_range(at, coords.drop_front(indexRank));
        return e.at(op.getTable(), at);
      })
      .Case([&](ir::TakeAlongOp op) {
        RankedTensorType type = tensorType(op.getOperand());
        Coord column = look(op.getIndex(), coords, type.getDimSize(type.getRank() - 1));
        Coords at(coords.begin(), coords.end());
        if (column.gather) {
          // Lanes along the rows: the row coordinate becomes a list of positions as well.
          for (Coord& c : at)
            if (c.lanes && !c.gather) {
              Value mask = c.mask;
              c = e.gatherCoord(b.convert(e.positionI32(c), b.i64()), e.level());
              c.mask = column.mask = mask;
            }
        }
        at.push_back(column);
        return e.at(op.getOperand(), at);
      })
      .Case([&](ir::OneHotOp op) {
        Value index = b.convert(e.at(op.getIndex(), coords.drop_back()), b.i32());
        Value position = e.positionI32(coords.back());
        Type shape = Evaluator::hasLanes(coords) ? b.vectorOf(b.i32()) : b.i32();
        Value hit = b.compare(CmpIPredicate::eq, b.matchShape(index, shape), b.matchShape(position, shape));
        return b.convert(hit, tensorType(result).getElementType());
      })
      .Default([](mlir::Operation*) { return Value(); });
}

Value evaluateRandom(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  RankedTensorType type = tensorType(result);
  mlir::Operation* op = result.getOwner();

  if (auto keyOp = mlir::dyn_cast<ir::RngKeyOp>(op)) {
    // Eight words known one by one; a position selects among them.
    auto rng = [&](int64_t i) { return e.at(keyOp.getRng(), {e.fixedCoord(i)}); };
    auto word = [&](uint64_t value) { return b.bits(b.i32(), static_cast<uint32_t>(value)); };
    uint64_t view = static_cast<uint64_t>(keyOp.getView()) << 8;
    Value words[5] = {rng(3), rng(2), b.bitOr(e.at(keyOp.getPass(), {}), word(view)),
                      b.bitXor(rng(0), word(uint64_t(keyOp.getOpId()) * 0x9E3779B9u)),
                      b.bitXor(rng(1), word(uint64_t(keyOp.getStream()) * 0x85EBCA6Bu))};
    Value position = e.positionI32(coords[0]);
    Value value = b.zeroLike(position);
    for (int i = 0; i < 5; ++i) {
      Value here = b.compare(CmpIPredicate::eq, position, b.constant(position.getType(), i));
      value = b.select(here, b.matchShape(words[i], position.getType()), value);
    }
    return value;
  }

  auto draw = [&](Value key) {
    auto word = [&](int64_t i) { return e.at(key, {e.fixedCoord(i)}); };
    Value element = b.constant(b.i32(), 0), row = coords.empty() ? element : e.positionI32(coords[0]);
    int64_t stride = 1;
    for (int64_t dim = type.getRank() - 1; dim >= 1; --dim) {
      Value position = e.positionI32(coords[dim]);
      position = b.mul(position, b.constant(position.getType(), double(stride)));
      Type shape = mlir::isa<mlir::VectorType>(position.getType()) ? position.getType() : element.getType();
      element = b.add(b.matchShape(element, shape), b.matchShape(position, shape));
      stride *= type.getDimSize(dim);
    }
    Type shape = Evaluator::hasLanes(coords) ? b.vectorOf(b.i32()) : b.i32();
    auto wide = [&](Value v) { return b.matchShape(v, shape); };
    Value counter[4] = {wide(element), b.add(wide(row), wide(word(0))), wide(word(1)), wide(word(2))};
    Value keys[2] = {wide(word(3)), wide(word(4))};
    return emitPhilox(b, counter, keys);
  };
  // uniform < p exactly when the upper 24 bits are below ceil(p * 2^24)
  auto below = [&](Value word, double probability) {
    double bound = std::ceil(std::clamp(probability, 0.0, 1.0) * 0x1p24);
    return b.compare(CmpIPredicate::slt, b.shiftRight(word, 8), b.constant(word.getType(), bound));
  };
  return llvm::TypeSwitch<mlir::Operation*, Value>(op)
      .Case([&](ir::RandomUniformOp uniform) {
        double low = uniform.getLow().convertToDouble(), high = uniform.getHigh().convertToDouble();
        Value u = emitUniform(b, draw(uniform.getKey()).word0);
        return b.fma(u, b.constant(u.getType(), high - low), b.constant(u.getType(), low));
      })
      .Case([&](ir::RandomNormalOp normal) {
        PhiloxWords words = draw(normal.getKey());
        Value u = emitUniform(b, words.word0), angle = emitUniform(b, words.word1);
        Type t = u.getType();
        Value radius = b.sqrt(b.mul(b.constant(t, -2), emitLog1p(b, b.neg(u))));
        Value z = b.mul(radius, emitCos(b, b.mul(angle, b.constant(t, 2 * std::numbers::pi))));
        return b.fma(z, b.constant(t, normal.getStd().convertToDouble()),
                     b.constant(t, normal.getMean().convertToDouble()));
      })
      .Case([&](ir::BernoulliOp bernoulli) {
        return below(draw(bernoulli.getKey()).word0, bernoulli.getProbability().convertToDouble());
      })
      .Case([&](ir::DropoutOp dropout) {
        double keep = 1 - dropout.getRate().convertToDouble();
        Value x = e.at(dropout.getOperand(), coords);
        Value kept = b.mul(x, b.constant(x.getType(), keep > 0 ? 1 / keep : 0));
        return b.select(below(draw(dropout.getKey()).word0, keep), kept, b.zeroLike(x));
      })
      .Default([](mlir::Operation*) { return Value(); });
}

Value evaluateOp(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  for (auto family : {evaluateElementwise, evaluateShape, evaluateIndex, evaluateRandom, evaluateReduction,
                      evaluateNorm, evaluatePooling, evaluateLoss}) {
    if (Value value = family(e, result, coords)) return value;
    if (e.failed()) return {};
  }
  e.fail(result.getOwner(), "has no code for target cpu yet");
  return {};
}

} // namespace tailor::backend
