// Cross-entropies as the ops they stand for, where their gradient is differentiated again. Names as in LossOps.td.

#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {
namespace {

/// Below this 1 - P of a focal factor counts as this. With gamma < 2 the second derivative has a pole at P = 1, where
/// the loss and its gradient are 0; f32 does not tell an 1 - P below 1e-8 from 0, and (1e-15)^-2 is finite in it.
constexpr double kSmallestRest = 1e-15;

/// What the rows of either loss share: labels, tables, the mask of the valid rows, the reduction.
template <typename LossOp> class LossDecomposition {
public:
  LossDecomposition(OpBuilder& builder, LossOp op, Value logits)
      : b_(builder, op), op_(op), rows_(tensorType(logits).getDimSize(0)),
        classes_(tensorType(logits).getDimSize(1)), element_(tensorType(op.getLoss()).getElementType()),
        vector_(RankedTensorType::get({rows_}, element_)),
        matrix_(RankedTensorType::get({rows_, classes_}, element_)) {
    if (op.getValid())
      mask_ =
          b_.template create<RowMaskOp>(RankedTensorType::get({rows_}, builder.getI1Type()), op.getValid());
    logits_ = keepRows(b_.cast(logits, element_));
  }

  /// The reduced loss of `rows` [N].
  Value reduce(Value rows) {
    rows = keepRows(rows);
    if (op_.getReduction() == Reduction::None) return rows;
    Value total = b_.sum(rows, {0});
    if (op_.getReduction() == Reduction::Sum) return total;
    Value divisor = op_.getReduction() == Reduction::WeightedMean ? b_.sum(keepRows(weightOfRows()), {0})
                                                                  : countOfRows(total);
    Value some = b_.compare(divisor, Direction::Ne, b_.fillLike(divisor, 0.0));
    return b_.keep(some, b_.div(total, b_.where(some, divisor, b_.fillLike(divisor, 1.0))));
  }

  /// lambda * row loss of the labels + (1 - lambda) * row loss of the second labels.
  template <typename RowLoss> Value overSlots(const RowLoss& rowLoss) {
    Value first = rowLoss(op_.getLabels());
    if (!op_.getMixLabels()) return first;
    return mixed(first, rowLoss(op_.getMixLabels()));
  }

  /// t [N, K]: what a label asks of every class, class weight included.
  Value targetOf(Value label) {
    Value target = b_.template create<OneHotOp>(matrix_, label);
    if (op_.getSmoothing()) {
      Value epsilon = b_.unreduce(tableAt(op_.getSmoothing(), label), {1}, matrix_.getShape());
      Value rest = b_.sub(b_.fillLike(epsilon, 1.0), epsilon);
      target = b_.add(b_.mul(rest, target), b_.scale(epsilon, 1.0 / static_cast<double>(classes_)));
    }
    if (!op_.getClassWeights()) return target;
    return b_.mul(b_.unreduce(tableAt(op_.getClassWeights(), label), {1}, matrix_.getShape()), target);
  }

  Value tableAt(Value table, Value label) {
    return b_.cast(b_.template create<TakeOp>(table, label), element_);
  }
  Value keepRows(Value value) {
    if (!mask_) return value;
    ArrayRef<int64_t> shape = tensorType(value).getShape();
    return b_.keep(b_.unreduce(mask_, otherDims({0}, shape.size()), shape), value);
  }

  GradBuilder& b() { return b_; }
  Value logits() { return logits_; }
  RankedTensorType vector() { return vector_; }
  RankedTensorType matrix() { return matrix_; }
  Type element() { return element_; }

private:
  Value mixed(Value first, Value second) {
    Value lambda = b_.cast(op_.getMixLambda(), element_);
    return b_.add(b_.mul(lambda, first), b_.mul(b_.sub(b_.fillLike(lambda, 1.0), lambda), second));
  }

  Value weightOfRows() {
    if (!op_.getClassWeights()) return b_.fill(vector_, 1.0);
    return overSlots([&](Value label) { return tableAt(op_.getClassWeights(), label); });
  }

  Value countOfRows(Value like) {
    if (!op_.getValid()) return b_.fillLike(like, static_cast<double>(rows_));
    Value most = b_.fillLike(op_.getValid(), static_cast<double>(rows_));
    return b_.cast(b_.template create<MinOp>(op_.getValid(), most), element_);
  }

  GradBuilder b_;
  LossOp op_;
  int64_t rows_, classes_;
  Type element_;
  RankedTensorType vector_, matrix_;
  Value mask_, logits_;
};

} // namespace

SmallVector<Value> SoftmaxCrossEntropyOp::decompose(OpBuilder& builder) {
  LossDecomposition<SoftmaxCrossEntropyOp> loss(builder, *this, getLogits());
  GradBuilder& b = loss.b();
  const double gamma = getFocalGamma() ? getFocalGamma()->convertToDouble() : 0.0;
  auto focal = [&](Value x) { // (1 - e^-x)^gamma
    Value rest = b.neg(b.create<Expm1Op>(b.neg(x)));
    return b.create<PowOp>(b.create<MaxOp>(rest, b.fillLike(rest, kSmallestRest)), b.fillLike(rest, gamma));
  };
  // sum over k of t_k * (1 - P_k)^gamma * (-log P_k); of weighted: the factor of the sum. What is no target is left out
  // before it meets the logarithm of an impossible class.
  auto rowLoss = [&](Value u, Value target) {
    Value logP = b.create<LogSoftmaxOp>(u, int64_t{1});
    Value x = b.keep(b.compare(target, Direction::Ne, b.fillLike(target, 0.0)), b.neg(logP));
    if (gamma == 0.0) return b.sum(b.mul(target, x), {1});
    if (!getFocalOfWeighted()) return b.sum(b.mul(target, b.mul(focal(x), x)), {1});
    Value v = b.sum(b.mul(target, x), {1});
    return b.mul(focal(v), v);
  };
  Value biased = loss.logits();
  if (getBias())
    biased = b.add(biased, b.overChannels(b.cast(getBias(), loss.element()), loss.matrix().getShape()));
  auto transformed = [&](Value logits) {
    const double scale = getScale().convertToDouble();
    return scale == 1.0 ? logits : b.scale(logits, scale);
  };
  if (getTargets()) {
    Value target = b.cast(getTargets(), loss.element());
    if (getClassWeights())
      target =
          b.mul(target, b.overChannels(b.cast(getClassWeights(), loss.element()), loss.matrix().getShape()));
    return {loss.reduce(rowLoss(transformed(biased), loss.keepRows(target)))};
  }
  return {loss.reduce(loss.overSlots([&](Value label) {
    Value u = biased;
    if (getMargin()) {
      Value margin = b.unreduce(loss.tableAt(getMargin(), label), {1}, loss.matrix().getShape());
      u = b.sub(u, b.mul(margin, b.create<OneHotOp>(loss.matrix(), label)));
    }
    return rowLoss(transformed(u), loss.targetOf(label));
  }))};
}

/// The softmax loss of the two logits (0, z): smooth at z = 0, which max(z, 0) + log1p(e^-|z|) is only in its value.
SmallVector<Value> SigmoidCrossEntropyOp::decompose(OpBuilder& builder) {
  GradBuilder shape(builder, *this);
  RankedTensorType type = tensorType(getLogits());
  auto column = RankedTensorType::get({type.getDimSize(0), 1}, type.getElementType());
  Value two = shape.create<ConcatOp>(ValueRange{shape.fill(column, 0.0), shape.reshape(getLogits(), column)},
                                     uint64_t{1});
  LossDecomposition<SigmoidCrossEntropyOp> loss(builder, *this, two);
  GradBuilder& b = loss.b();
  auto rowLoss = [&](Value target) {
    Value logP = b.create<LogSoftmaxOp>(loss.logits(), int64_t{1});
    Value x = b.keep(b.compare(target, Direction::Ne, b.fillLike(target, 0.0)), b.neg(logP));
    return b.sum(b.mul(target, x), {1});
  };
  if (!getTargets())
    return {loss.reduce(loss.overSlots([&](Value label) { return rowLoss(loss.targetOf(label)); }))};
  auto targetColumn = RankedTensorType::get(column.getShape(), loss.element());
  Value one = b.reshape(b.cast(getTargets(), loss.element()), targetColumn);
  Value target = b.create<ConcatOp>(ValueRange{b.sub(b.fillLike(one, 1.0), one), one}, int64_t{1});
  if (getClassWeights())
    target =
        b.mul(target, b.overChannels(b.cast(getClassWeights(), loss.element()), loss.matrix().getShape()));
  return {loss.reduce(rowLoss(loss.keepRows(target)))};
}

} // namespace tailor::ir
