#include "backend/codegen/EvaluateOps.h"

#include "backend/codegen/ElementaryFunctions.h"
#include "backend/codegen/Philox.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <numbers>

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpIPredicate;

Value evaluateRandom(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  RankedTensorType type = tensorTypeOf(result);
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
      auto [sum, term] = b.matchShapes(element, position);
      element = b.add(sum, term);
      stride *= type.getDimSize(dim);
    }
    Type shape = Evaluator::hasLanes(coords) ? b.lanesOf(b.i32()) : b.i32();
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

} // namespace tailor::backend
