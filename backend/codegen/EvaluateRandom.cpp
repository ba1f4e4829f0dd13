#include "backend/codegen/EvaluateOps.h"

#include "backend/codegen/ElementaryFunctions.h"
#include "backend/codegen/Philox.h"

#include <cmath>
#include <numbers>

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpIPredicate;

std::array<Value, 5> keyWords(Evaluator& e, Value key) {
  std::array<Value, 5> words;
  for (auto [i, word] : llvm::enumerate(words))
    word = e.at(key, {e.fixedCoord(int64_t(i))});
  return words;
}

llvm::SmallVector<Value, 4> drawnValues(LaneBuilder& b, mlir::Operation* draw,
                                        const std::array<Value, 4>& words, unsigned count) {
  llvm::SmallVector<Value, 4> values;
  if (auto uniform = mlir::dyn_cast<ir::RandomUniformOp>(draw)) {
    double low = uniform.getLow().convertToDouble(), high = uniform.getHigh().convertToDouble();
    for (Value word : llvm::ArrayRef(words).take_front(count)) {
      Value u = emitUniform(b, word);
      values.push_back(b.fma(u, b.constant(u.getType(), high - low), b.constant(u.getType(), low)));
    }
  } else if (auto bernoulli = mlir::dyn_cast<ir::BernoulliOp>(draw)) {
    // An integer is below p * 2^32 exactly when it is below its ceiling, which for p = 1 is no word.
    double bound = std::ceil(bernoulli.getProbability().convertToDouble() * 0x1p32);
    for (Value word : llvm::ArrayRef(words).take_front(count))
      values.push_back(bound >= 0x1p32 ? b.constant(b.withElement(word.getType(), b.i1()), 1)
                                       : b.compare(CmpIPredicate::ult, word,
                                                   b.bits(word.getType(), static_cast<uint32_t>(bound))));
  } else if (auto normal = mlir::dyn_cast<ir::RandomNormalOp>(draw)) {
    for (unsigned first = 0; first < count; first += 2) {
      Value u = emitUniform(b, words[first]), turn = emitUniform(b, words[first + 1]);
      Type t = u.getType();
      Value radius = b.sqrt(b.mul(b.constant(t, -2), emitLog1p(b, b.neg(u))));
      Value angle = b.mul(turn, b.constant(t, 2 * std::numbers::pi));
      for (unsigned word = first; word < std::min(count, first + 2); ++word) {
        Value z = b.mul(radius, word == first ? emitCos(b, angle) : emitSin(b, angle));
        values.push_back(b.fma(z, b.constant(t, normal.getStd().convertToDouble()),
                               b.constant(t, normal.getMean().convertToDouble())));
      }
    }
  }
  return values;
}

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

  if (!mlir::isa<ir::RandomUniformOp, ir::RandomNormalOp, ir::BernoulliOp>(op)) return {};
  // Wherever the position is, so three of four words may be left over; a kernel of draws alone can use them all.
  Value element = b.constant(b.i32(), 0);
  int64_t stride = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 1; --dim) {
    Value position = e.positionI32(coords[dim]);
    auto [sum, term] =
        b.matchShapes(element, b.mul(position, b.constant(position.getType(), double(stride))));
    element = b.add(sum, term);
    stride *= type.getDimSize(dim);
  }
  std::array<Value, 5> key = keyWords(e, op->getOperand(0));
  Value row = e.positionI32(coords[0]);
  Value counter[4] = {blockOf(b, element), b.add(row, b.matchShape(key[0], row.getType())), key[1], key[2]};
  std::array<Value, 4> words = emitPhilox(b, counter, {key[3], key[4]});
  if (stride == 1) return drawnValues(b, op, words, 1)[0]; // one draw a row
  llvm::SmallVector<Value, 4> values = drawnValues(b, op, words, 4);
  return wordOf(b, {values[0], values[1], values[2], values[3]}, element);
}

} // namespace tailor::backend
