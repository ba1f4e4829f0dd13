#include "backend/codegen/EvaluateOps.h"

#include "backend/codegen/ElementaryFunctions.h"
#include "backend/codegen/RowTotal.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpFPredicate;
using mlir::arith::CmpIPredicate;

namespace {

/// The operands and attributes that the softmax and the sigmoid losses, their gradients and their joint forms
/// share.
struct Loss {
  mlir::Operation* op = nullptr;
  Value lossGrad, logits, labels, mixLabels, mixLambda, targets, weights, smoothing, margin, bias, valid;
  std::optional<double> gamma;
  bool ofWeighted = false, sigmoid = false;
  double scale = 1;
  ir::Reduction reduction = ir::Reduction::None;
  int lossResult = -1, gradResult = -1;
};

template <typename Op> Loss common(Op op) {
  Loss loss;
  loss.op = op;
  loss.logits = op.getLogits();
  loss.labels = op.getLabels();
  loss.mixLabels = op.getMixLabels();
  loss.mixLambda = op.getMixLambda();
  loss.targets = op.getTargets();
  loss.weights = op.getClassWeights();
  loss.smoothing = op.getSmoothing();
  loss.valid = op.getValid();
  loss.reduction = op.getReduction();
  if constexpr (requires { op.getLossGrad(); }) {
    loss.lossGrad = op.getLossGrad();
    loss.gradResult = op->getNumResults() == 2 ? 1 : 0;
    loss.lossResult = op->getNumResults() == 2 ? 0 : -1;
  } else {
    loss.lossResult = 0;
  }
  if constexpr (requires { op.getMargin(); }) {
    loss.margin = op.getMargin();
    loss.bias = op.getBias();
    if (op.getFocalGamma()) loss.gamma = op.getFocalGamma()->convertToDouble();
    loss.ofWeighted = op.getFocalOfWeighted();
    loss.scale = op.getScale().convertToDouble();
  } else {
    loss.sigmoid = true;
  }
  if (loss.gamma == 0.0) loss.gamma.reset();
  return loss;
}

std::optional<Loss> describe(mlir::Operation* op) {
  return llvm::TypeSwitch<mlir::Operation*, std::optional<Loss>>(op)
      .Case<ir::SoftmaxCrossEntropyOp, ir::SoftmaxCrossEntropyGradOp, ir::SoftmaxCrossEntropyWithGradOp,
            ir::SigmoidCrossEntropyOp, ir::SigmoidCrossEntropyGradOp, ir::SigmoidCrossEntropyWithGradOp>(
          [](auto op) { return common(op); })
      .Default([](mlir::Operation*) { return std::nullopt; });
}

/// What is remembered per row, plus kPerSlot for the second label.
enum Tag : unsigned {
  kLogit = 1,
  kMaximum,
  kExp,
  kSumOfExp,
  kLogSumExp,
  kTarget,
  kMass,
  kEntropy,
  kOuter,
  kFocalSum,
  kWeightOfLabel,
  kSmoothingOfLabel,
  kMarginOfLabel,
  kDivisor,
  kFactor,
  kPerSlot = 32
};

class LossEmitter {
public:
  LossEmitter(Evaluator& e, const Loss& loss) : e_(e), b_(e.builder()), l_(loss) {}

  /// The loss of a row, before any reduction; 0 from `valid` on.
  Value rowLoss(const Coord& row) {
    Value loss = l_.sigmoid ? sigmoidLoss(row) : softmaxLoss(row);
    return keepValid(loss, row);
  }

  /// d loss / d logits at a position, times the loss' own gradient.
  Value gradient(ArrayRef<Coord> coords) {
    const Coord& row = coords[0];
    Value g = l_.sigmoid ? sigmoidGradient(row) : softmaxGradient(coords);
    Value factor = e_.remember(l_.op, kFactor,
                               l_.reduction == ir::Reduction::None ? coords.take_front(1) : ArrayRef<Coord>(),
                               [&] { return gradientFactor(row); });
    return keepValid(b_.mul(g, b_.matchShape(factor, g.getType())), row);
  }

  /// total / Z, or 0 when Z is 0.
  Value reduce(Value total) {
    if (l_.reduction == ir::Reduction::Sum) return total;
    return divideOrZero(total, divisor());
  }

private:
  Value c(Value like, double value) { return b_.constant(like.getType(), value); }
  Value wide(Value v, Value like) { return b_.matchShape(v, like.getType()); }

  Value divideOrZero(Value x, Value z) {
    Value zero = b_.compare(CmpFPredicate::OEQ, z, c(z, 0));
    return b_.select(zero, c(x, 0), b_.div(x, z));
  }

  Value rows() { return e_.extent(l_.logits, 0); }

  Value keepValid(Value value, const Coord& row) {
    if (!l_.valid) return value;
    Value inside = isBelow(e_, row, validRows(e_, l_.valid, rows()));
    return b_.select(wide(inside, b_.convert(value, b_.i1())), value, c(value, 0));
  }

  /// Z as f32.
  Value divisor() {
    return e_.remember(l_.op, kDivisor, {}, [&]() -> Value {
      Value valid = validRows(e_, l_.valid, rows());
      if (l_.reduction != ir::Reduction::WeightedMean || !l_.weights) return b_.toFloat(valid);
      // Every chunk adds the weights of all rows: two loads a row, and no chunk waits for another.
      auto loop =
          e_.loop(b_.index(0), valid, 1, b_.constant(b_.f32(), 0), [&](Value index, mlir::ValueRange args) {
            return llvm::SmallVector<Value>{b_.add(args[0], rowWeight(e_.coord(index)))};
          });
      return loop.getResult(0);
    });
  }

  Value gradientFactor(const Coord& row) {
    if (l_.reduction == ir::Reduction::None) return e_.at(l_.lossGrad, {row});
    Value g = e_.at(l_.lossGrad, {});
    return l_.reduction == ir::Reduction::Sum ? g : divideOrZero(g, divisor());
  }

  // --- labels. Slot 0 is `labels`, slot 1 the second label of a mix.

  unsigned numSlots() { return l_.mixLabels ? 2 : 1; }

  Value label(const Coord& row, unsigned slot) { return e_.at(slot == 0 ? l_.labels : l_.mixLabels, {row}); }

  /// A class table at the row's label. Remembered for this loss alone: another one of the kernel may look the same table
  /// up by other labels.
  Value ofLabel(Value table, const Coord& row, unsigned slot) {
    const Tag tag = table == l_.weights     ? kWeightOfLabel
                    : table == l_.smoothing ? kSmoothingOfLabel
                                            : kMarginOfLabel;
    return memo(tag, slot, {row}, [&] {
      Value y = b_.convert(label(row, slot), b_.i64());
      Value last = c(y, double(mlir::cast<RankedTensorType>(table.getType()).getDimSize(0) - 1));
      y = b_.max(b_.min(y, last), c(y, 0));
      Coord at = row.lanes ? e_.gatherCoord(y, row.level) : e_.indexCoord(y, row.level);
      at.mask = row.mask;
      return e_.at(table, {at});
    });
  }

  Value coefficient(const Coord& row, unsigned slot) {
    Value lambda = e_.at(l_.mixLambda, {row});
    return slot == 0 ? lambda : b_.sub(c(lambda, 1), lambda);
  }

  Value rowWeight(const Coord& row) {
    if (!l_.weights) return b_.constant(b_.f32(), 1);
    Value weight = ofLabel(l_.weights, row, 0);
    if (numSlots() == 1) return weight;
    return b_.fma(coefficient(row, 1), ofLabel(l_.weights, row, 1), b_.mul(coefficient(row, 0), weight));
  }

  /// Adds f(slot) of all slots with the mixing coefficients.
  Value overSlots(const Coord& row, llvm::function_ref<Value(unsigned)> f) {
    Value first = f(0);
    if (numSlots() == 1) return first;
    Value second = f(1);
    return b_.fma(wide(coefficient(row, 1), second), second, b_.mul(wide(coefficient(row, 0), first), first));
  }

  // --- softmax

  int64_t numClasses() { return mlir::cast<RankedTensorType>(l_.logits.getType()).getDimSize(1); }

  Coords holes(const Coord& row) { return {row, Coord()}; }

  Value memo(unsigned tag, unsigned slot, ArrayRef<Coord> coords, llvm::function_ref<Value()> make) {
    return e_.remember(l_.op, tag + slot * kPerSlot, coords, make);
  }

  /// 1 where the class is the row's label, as i1.
  Value isLabel(ArrayRef<Coord> at, unsigned slot) {
    Value k = e_.positionI32(at[1]);
    return b_.compare(CmpIPredicate::eq, k, wide(label(at[0], slot), k));
  }

  /// The logits u depend on the slot only through the margin.
  unsigned logitSlot(unsigned slot) { return l_.margin ? slot : 0; }

  Value logit(ArrayRef<Coord> at, unsigned slot) {
    slot = logitSlot(slot);
    return memo(kLogit, slot, at, [&] {
      Value u = e_.at(l_.logits, at);
      if (l_.bias) u = b_.add(u, wide(e_.at(l_.bias, {at[1]}), u));
      if (l_.margin) {
        Value m = wide(ofLabel(l_.margin, at[0], slot), u);
        u = b_.select(isLabel(at, slot), b_.sub(u, m), u);
      }
      return l_.scale == 1 ? u : b_.mul(u, c(u, l_.scale));
    });
  }

  Value maximum(const Coord& row, unsigned slot) {
    slot = logitSlot(slot);
    return memo(kMaximum, slot, {row}, [&] {
      auto larger = [&](Value x, Value y) { return b_.select(b_.compare(CmpFPredicate::OGT, x, y), x, y); };
      return e_.fold(
          l_.logits, {1}, holes(row), -std::numeric_limits<double>::infinity(), b_.f32(),
          [&](Value acc, ArrayRef<Coord> at) { return larger(acc, wide(logit(at, slot), acc)); }, larger);
    });
  }

  Value exponential(ArrayRef<Coord> at, unsigned slot) {
    slot = logitSlot(slot);
    Value shift = maximum(at[0], slot);
    return memo(kExp, slot, at, [&] {
      Value u = logit(at, slot);
      return emitExp(b_, b_.sub(u, wide(shift, u)));
    });
  }

  Value sumOfExp(const Coord& row, unsigned slot) {
    slot = logitSlot(slot);
    return memo(kSumOfExp, slot, {row}, [&] {
      return e_.sum(l_.logits, {1}, holes(row), [&](ArrayRef<Coord> at) { return exponential(at, slot); });
    });
  }

  /// log(sum of e^(u - maximum))
  Value logSumExp(const Coord& row, unsigned slot) {
    slot = logitSlot(slot);
    return memo(kLogSumExp, slot, {row}, [&] { return emitLog(b_, sumOfExp(row, slot)); });
  }

  Value probability(ArrayRef<Coord> at, unsigned slot) {
    Value inverse = memo(kSumOfExp + kPerSlot / 2, logitSlot(slot), {at[0]}, [&] {
      Value s = sumOfExp(at[0], slot);
      return b_.div(c(s, 1), s);
    });
    Value exp = exponential(at, slot);
    return b_.mul(exp, wide(inverse, exp));
  }

  /// log P_k
  Value logProbability(ArrayRef<Coord> at, unsigned slot) {
    Value u = logit(at, slot);
    return b_.sub(b_.sub(u, wide(maximum(at[0], slot), u)), wide(logSumExp(at[0], slot), u));
  }

  /// t_k: the target distribution times the row's weight.
  Value target(ArrayRef<Coord> at, unsigned slot) {
    return memo(kTarget, slot, at, [&] {
      if (l_.targets) {
        Value t = e_.at(l_.targets, at);
        return l_.weights ? b_.mul(t, wide(e_.at(l_.weights, {at[1]}), t)) : t;
      }
      Value hit = isLabel(at, slot);
      Value type = b_.convert(hit, b_.f32());
      Value weight = mass(at[0], slot);
      if (!l_.smoothing) return b_.select(hit, wide(weight, type), c(type, 0));
      Value eps = ofLabel(l_.smoothing, at[0], slot);
      Value low = b_.mul(b_.mul(weight, eps), c(eps, 1.0 / double(numClasses())));
      Value high = b_.fma(weight, b_.sub(c(eps, 1), eps), low);
      return b_.select(hit, wide(high, type), wide(low, type));
    });
  }

  /// sum of t_k
  Value mass(const Coord& row, unsigned slot) {
    return memo(kMass, slot, {row}, [&]() -> Value {
      if (l_.targets)
        return e_.sum(l_.logits, {1}, holes(row), [&](ArrayRef<Coord> at) { return target(at, slot); });
      return l_.weights ? ofLabel(l_.weights, row, slot) : b_.constant(b_.f32(), 1);
    });
  }

  /// sum of t_k * -log P_k
  Value crossEntropy(const Coord& row, unsigned slot) {
    return memo(kEntropy, slot, {row}, [&]() -> Value {
      if (!l_.targets && !l_.smoothing) {
        Value y = b_.convert(label(row, slot), b_.i64());
        y = b_.max(b_.min(y, c(y, double(numClasses() - 1))), c(y, 0));
        Coord at[2] = {row, e_.indexCoord(y, row.level)};
        return timesTarget(mass(row, slot), b_.neg(logProbability(at, slot)));
      }
      return e_.sum(l_.logits, {1}, holes(row), [&](ArrayRef<Coord> at) {
        return timesTarget(target(at, slot), b_.neg(logProbability(at, slot)));
      });
    });
  }

  /// t x, but 0 inf = 0 (0 log 0): an impossible class (logit -inf) that is no target adds nothing. NaN stays NaN.
  Value timesTarget(Value t, Value x) {
    Value none = b_.bitAnd(b_.compare(CmpFPredicate::OEQ, t, c(t, 0)),
                           b_.compare(CmpFPredicate::OEQ, x, c(x, std::numeric_limits<double>::infinity())));
    return b_.mul(t, b_.select(none, c(x, 0), x));
  }

  /// p x with its limit 0 where p = e^-x is 0.
  Value timesProbability(Value p, Value x) {
    return b_.select(b_.compare(CmpFPredicate::OEQ, p, c(p, 0)), c(p, 0), b_.mul(p, x));
  }

  /// base ^ exponent, base in [0, 1], away from a pole at 0.
  Value power(Value base, double exponent) {
    if (exponent == 0) return c(base, 1);
    if (exponent == 1) return base;
    if (exponent == 2) return b_.mul(base, base);
    if (exponent < 0) base = b_.max(base, c(base, 1e-8));
    return emitPow(b_, base, c(base, exponent));
  }

  Value oneMinusExp(Value x) { return b_.neg(emitExpm1(b_, x)); }

  /// Focal term and the a_k of its gradient: d/du_j = (sum of a) P_j - a_j.
  std::pair<Value, Value> focal(ArrayRef<Coord> at, unsigned slot) {
    Value logP = logProbability(at, slot), p = probability(at, slot), t = target(at, slot);
    Value rest = oneMinusExp(logP);
    Value power0 = power(rest, *l_.gamma), power1 = power(rest, *l_.gamma - 1);
    Value term = timesTarget(t, b_.mul(power0, b_.neg(logP)));
    Value slope = b_.mul(timesProbability(p, logP), b_.mul(power1, c(p, *l_.gamma)));
    return {term, b_.mul(t, b_.sub(power0, slope))};
  }

  Value softmaxLoss(const Coord& row) {
    return overSlots(row, [&](unsigned slot) -> Value {
      if (!l_.gamma) return crossEntropy(row, slot);
      if (l_.ofWeighted) {
        Value v = crossEntropy(row, slot);
        return b_.mul(power(oneMinusExp(b_.neg(v)), *l_.gamma), v);
      }
      return e_.sum(l_.logits, {1}, holes(row), [&](ArrayRef<Coord> at) { return focal(at, slot).first; });
    });
  }

  Value softmaxGradient(ArrayRef<Coord> coords) {
    const Coord& row = coords[0];
    Value g = overSlots(row, [&](unsigned slot) -> Value {
      Value p = probability(coords, slot);
      if (l_.gamma && !l_.ofWeighted) {
        Value total = memo(kFocalSum, slot, {row}, [&] {
          return e_.sum(l_.logits, {1}, holes(row),
                        [&](ArrayRef<Coord> at) { return focal(at, slot).second; });
        });
        return b_.sub(b_.mul(wide(total, p), p), focal(coords, slot).second);
      }
      Value plain = b_.sub(b_.mul(wide(mass(row, slot), p), p), target(coords, slot));
      if (!l_.gamma) return plain;
      Value outer = memo(kOuter, slot, {row}, [&] {
        Value v = crossEntropy(row, slot), rest = oneMinusExp(b_.neg(v));
        Value second = b_.mul(b_.mul(power(rest, *l_.gamma - 1), c(v, *l_.gamma)),
                              timesProbability(emitExp(b_, b_.neg(v)), v));
        return b_.add(power(rest, *l_.gamma), second);
      });
      return b_.mul(wide(outer, plain), plain);
    });
    return l_.scale == 1 ? g : b_.mul(g, c(g, l_.scale));
  }

  // --- one logit per row

  /// Target t and weight w of a row.
  std::pair<Value, Value> binaryTarget(const Coord& row, unsigned slot, Value like) {
    if (l_.targets) {
      Value t = e_.at(l_.targets, {row});
      if (!l_.weights) return {t, c(t, 1)};
      Value w0 = wide(e_.at(l_.weights, {e_.fixedCoord(0)}), t),
            w1 = wide(e_.at(l_.weights, {e_.fixedCoord(1)}), t);
      // Weighted targets w1 t and w0 (1 - t): the same as weight W = their sum and target w1 t / W.
      Value high = b_.mul(w1, t), total = b_.fma(w0, b_.sub(c(t, 1), t), high);
      return {divideOrZero(high, total), total};
    }
    Value y = label(row, slot);
    Value t = b_.convert(b_.compare(CmpIPredicate::eq, y, c(y, 1)), b_.f32());
    if (l_.smoothing) {
      Value eps = wide(ofLabel(l_.smoothing, row, slot), t);
      t = b_.fma(t, b_.sub(c(eps, 1), eps), b_.mul(eps, c(eps, 0.5)));
    }
    return {t, l_.weights ? wide(ofLabel(l_.weights, row, slot), t) : c(t, 1)};
  }

  Value sigmoidLoss(const Coord& row) {
    return overSlots(row, [&](unsigned slot) {
      // softplus(z) - z t without the difference of two large numbers: only one of the two last terms is not 0,
      // and none of them is 0 inf, so that a row that is right beyond doubt has loss 0.
      Value z = e_.at(l_.logits, {row});
      auto [t, weight] = binaryTarget(row, slot, z);
      Value zero = c(z, 0), one = c(t, 1);
      Value positive = b_.select(b_.compare(CmpFPredicate::OLT, z, zero), zero, z);
      Value negative = b_.select(b_.compare(CmpFPredicate::OGT, z, zero), zero, b_.neg(z));
      Value tail = emitSoftplusRest(b_, z);
      Value loss = b_.add(b_.add(tail, timesTarget(b_.sub(one, t), positive)), timesTarget(t, negative));
      return timesTarget(weight, loss);
    });
  }

  Value sigmoidGradient(const Coord& row) {
    return overSlots(row, [&](unsigned slot) {
      Value z = e_.at(l_.logits, {row});
      auto [t, weight] = binaryTarget(row, slot, z);
      return b_.mul(weight, b_.sub(emitSigmoid(b_, z), t));
    });
  }

  Evaluator& e_;
  LaneBuilder& b_;
  const Loss& l_;
};

} // namespace

Value evaluateLoss(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  std::optional<Loss> loss = describe(result.getOwner());
  if (!loss) return {};
  LaneBuilder& b = e.builder();
  LossEmitter emitter(e, *loss);
  if (int(result.getResultNumber()) == loss->gradResult) return emitter.gradient(coords);
  if (loss->reduction == ir::Reduction::None) return emitter.rowLoss(coords[0]);
  auto loop = e.loop(b.index(0), e.extent(loss->logits, 0), 1, b.constant(b.f32(), 0),
                     [&](Value index, mlir::ValueRange args) {
                       return llvm::SmallVector<Value>{b.add(args[0], emitter.rowLoss(e.coord(index)))};
                     });
  return emitter.reduce(loop.getResult(0));
}

std::optional<RowTotal> lossRowTotal(Evaluator& e, OpResult result) {
  std::optional<Loss> loss = describe(result.getOwner());
  if (!loss || int(result.getResultNumber()) != loss->lossResult || loss->reduction == ir::Reduction::None)
    return std::nullopt;
  return RowTotal{[&e, loss](const Coord& row) { return LossEmitter(e, *loss).rowLoss(row); },
                  [&e, loss](Value total) { return LossEmitter(e, *loss).reduce(total); }};
}

} // namespace tailor::backend
