#include "backend/codegen/MultiTensorEvaluator.h"

#include "backend/codegen/ElementaryFunctions.h"

#include "llvm/ADT/TypeSwitch.h"

namespace tailor::backend {

using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

void MultiTensorEvaluator::prepare() {
  for (mlir::Operation& op : kernel_.getBlock())
    llvm::TypeSwitch<mlir::Operation*>(&op)
        .Case([&](ir::SamPerturbOp sam) {
          Value norm = scalar(sam.getNorm());
          Value safe = b_.add(norm, b_.constant(norm.getType(), sam.getEpsilon().convertToDouble()));
          factors_[&op].push_back(b_.splat(b_.div(scalar(sam.getRadius()), safe)));
        })
        .Case([&](ir::AdamwUpdateOp adam) {
          Value step = b_.add(scalar(adam.getStep()), b_.constant(b_.i32(), 1));
          for (Value beta : {adam.getBeta1(), adam.getBeta2()}) {
            Value rate = scalar(beta);
            factors_[&op].push_back(b_.splat(emitOneMinusPower(b_, rate, step)));
          }
        });
}

void MultiTensorEvaluator::setSegment(ir::MultiTensorOpInterface update, Value segment) {
  auto choose = [&](ValueRange scalars) {
    Value chosen = scalar(scalars.front());
    for (auto [number, each] : llvm::enumerate(scalars.drop_front()))
      chosen =
          b_.select(b_.compare(CmpIPredicate::sgt, segment, b_.index(int64_t(number))), scalar(each), chosen);
    return b_.splat(chosen);
  };
  llvm::TypeSwitch<mlir::Operation*>(update).Case<ir::SgdUpdateOp, ir::AdamwUpdateOp>([&](auto op) {
    lr_ = choose(op.getLr());
    weightDecay_ = choose(op.getWeightDecay());
  });
}

void MultiTensorEvaluator::setIndex(Value index, int64_t multiple) {
  multiple_ = multiple;
  index_ = index;
  values_.clear();
}

void MultiTensorEvaluator::evaluate(bool decays) {
  for (mlir::Operation& op : kernel_.getBlock())
    llvm::TypeSwitch<mlir::Operation*>(&op)
        .Case([&](ir::SamPerturbOp sam) { perturb(sam); })
        .Case([&](ir::SgdUpdateOp sgd) { update(sgd, decays); })
        .Case([&](ir::AdamwUpdateOp adam) { update(adam, decays); })
        .Case([&](ir::EmaUpdateOp ema) { average(ema); });
}

Value MultiTensorEvaluator::at(Value first) {
  if (Value known = values_.lookup(first)) return known;
  Value loaded =
      b_.loadLanes(memory_.lookup(first), tensorTypeOf(first).getElementType(), index_, {}, multiple_);
  values_[first] = loaded;
  return loaded;
}

Value MultiTensorEvaluator::addSquare(ir::GlobalNormOp norm, Value sum) {
  Value x = at(norm.getTensors().front());
  if (!norm.getWeights().empty()) x = b_.mul(x, at(norm.getWeights().front())); // (|w| x)^2 = (w x)^2
  return b_.fma(x, x, sum);
}

Value MultiTensorEvaluator::unlessEmpty(Value valid, Value fresh, Value old) {
  if (!valid) return fresh;
  Value count = scalar(valid);
  // A vector condition blends; a scalar one would branch.
  Value some = e_.remember(valid.getAsOpaquePointer(), 1, {}, [&] {
    return b_.splat(b_.compare(CmpIPredicate::sgt, count, b_.zeroLike(count)));
  });
  return b_.select(some, fresh, old);
}

void MultiTensorEvaluator::perturb(ir::SamPerturbOp op) {
  Value w = at(op.getParams().front()), g = at(op.getGrads().front());
  if (op.getAdaptive()) g = b_.mul(b_.mul(w, w), g);
  values_[op.getPerturbed().front()] = b_.fma(g, factors_[op][0], w);
}

void MultiTensorEvaluator::update(ir::SgdUpdateOp op, bool decays) {
  Value w = at(op.getParams().front()), g = at(op.getGrads().front());
  if (decays) g = b_.fma(weightDecay(op.getWeightDecay()), w, g);
  Value direction = g;
  if (!op.getVelocity().empty()) {
    Value old = at(op.getVelocity().front());
    Value momentum = op.getMomentum() ? wide(op.getMomentum()) : b_.zeroLike(old);
    Value velocity = b_.fma(momentum, old, g);
    direction = op.getNesterov() ? b_.fma(momentum, velocity, g) : velocity;
    values_[op.getNewVelocity().front()] = unlessEmpty(op.getValid(), velocity, old);
  }
  Value next = b_.fma(b_.neg(lr(op.getLr())), direction, w);
  values_[op.getNewParams().front()] = unlessEmpty(op.getValid(), next, w);
}

void MultiTensorEvaluator::update(ir::AdamwUpdateOp op, bool decays) {
  Value w = at(op.getParams().front()), g = at(op.getGrads().front());
  Value oldM = at(op.getFirstMoments().front()), oldS = at(op.getSecondMoments().front());
  auto mix = [&](Value beta, Value old, Value fresh) {
    Value rate = wide(beta);
    return b_.fma(b_.sub(b_.constant(rate.getType(), 1), rate), fresh, b_.mul(rate, old));
  };
  Value m = mix(op.getBeta1(), oldM, g), s = mix(op.getBeta2(), oldS, b_.mul(g, g));
  Value rate = lr(op.getLr());
  Value decayed = w;
  if (decays) decayed = b_.fma(b_.neg(b_.mul(rate, weightDecay(op.getWeightDecay()))), w, w);
  Value root = b_.add(b_.sqrt(b_.div(s, factors_[op][1])), wide(op.getEpsilon()));
  Value next = b_.fma(b_.neg(rate), b_.div(b_.div(m, factors_[op][0]), root), decayed);
  values_[op.getNewParams().front()] = unlessEmpty(op.getValid(), next, w);
  values_[op.getNewFirstMoments().front()] = unlessEmpty(op.getValid(), m, oldM);
  values_[op.getNewSecondMoments().front()] = unlessEmpty(op.getValid(), s, oldS);
}

void MultiTensorEvaluator::average(ir::EmaUpdateOp op) {
  Value old = at(op.getAverages().front()), value = at(op.getValues().front());
  Value decay = wide(op.getDecay());
  Value rest = b_.sub(b_.constant(decay.getType(), 1), decay);
  values_[op.getNewAverages().front()] =
      unlessEmpty(op.getValid(), b_.fma(rest, value, b_.mul(decay, old)), old);
}

} // namespace tailor::backend
