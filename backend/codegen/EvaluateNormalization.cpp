#include "backend/codegen/ColumnTotal.h"
#include "backend/codegen/EvaluateOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <functional>

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::arith::CmpFPredicate;

namespace {

/// What is remembered beside tensors: see Evaluator::remember.
enum Tag : unsigned { kMeanG = 1, kMeanGx, kScale, kCount };

/// M: valid rows times the positions between, as f32.
Value channelCount(Evaluator& e, Value x, Value valid) {
  LaneBuilder& b = e.builder();
  RankedTensorType type = tensorTypeOf(x);
  int64_t between = 1;
  for (int64_t dim = 1; dim + 1 < type.getRank(); ++dim)
    between *= type.getDimSize(dim);
  return e.remember(x.getAsOpaquePointer(), kCount, {},
                    [&] { return b.toFloat(b.mul(validRows(e, valid, e.extent(x, 0)), b.index(between))); });
}

Value atLeastOne(LaneBuilder& b, Value count) {
  Value one = b.constant(count.getType(), 1);
  return b.select(b.compare(CmpFPredicate::OLT, count, one), one, count);
}

/// Zero for rows from `valid` on.
Value keepValid(Evaluator& e, Value value, Value valid, Value x, const Coord& row) {
  return valid ? keepRows(e, value, row, validRows(e, valid, e.extent(x, 0))) : value;
}

/// The sum of `element` over the valid rows of x and all positions between, per channel.
ColumnTotal channelTotal(Evaluator& e, Value x, Value valid, std::function<Value(ArrayRef<Coord>)> element) {
  return {x,
          [&e, x, valid, element = std::move(element)](ArrayRef<Coord> at) {
            return keepValid(e, element(at), valid, x, at[0]);
          },
          [](Value total, const Coord&) { return total; }};
}

/// The same divided by their number.
ColumnTotal channelMean(Evaluator& e, Value x, Value valid, std::function<Value(ArrayRef<Coord>)> element) {
  ColumnTotal mean = channelTotal(e, x, valid, std::move(element));
  mean.finish = [&e, x, valid](Value total, const Coord&) {
    return divideBy(e.builder(), total, atLeastOne(e.builder(), channelCount(e, x, valid)));
  };
  return mean;
}

/// (x - mean) / sigma of a batch norm at a position.
template <typename Op> Value batchNormal(Evaluator& e, Op op, ArrayRef<Coord> at) {
  LaneBuilder& b = e.builder();
  Value value = e.at(op.getInput(), at);
  Value mean = b.matchShape(e.at(op.getMean(), {at.back()}), value.getType());
  return b.mul(b.sub(value, mean), b.matchShape(e.at(op.getInvStd(), {at.back()}), value.getType()));
}

/// The same of a layer norm, whose statistics belong to rows.
Value layerNormal(Evaluator& e, ir::LayerNormGradOp op, ArrayRef<Coord> at) {
  LaneBuilder& b = e.builder();
  Value value = e.at(op.getInput(), at);
  Value mean = b.matchShape(e.at(op.getMean(), at.drop_back()), value.getType());
  return b.mul(b.sub(value, mean), b.matchShape(e.at(op.getInvStd(), at.drop_back()), value.getType()));
}

Value batchNormTrain(Evaluator& e, ir::BatchNormTrainOp op, unsigned which, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = op.getInput(), valid = op.getValid();
  if (which > 0) { // of the statistics, what is no column total: 1 / sigma
    Value variance = e.at(op.getVariance(), {coords[0]});
    Value shifted = b.add(variance, b.constant(variance.getType(), op.getEpsilon().convertToDouble()));
    return b.div(b.constant(variance.getType(), 1), b.sqrt(shifted));
  }
  Coord channel = coords.back();
  Value value = e.at(x, coords);
  auto table = [&](Value t) { return b.matchShape(e.at(t, {channel}), value.getType()); };
  Value normal = b.mul(b.sub(value, table(op.getMean())), table(op.getInvStd()));
  Value y = b.fma(normal, table(op.getScale()), table(op.getBias()));
  return keepValid(e, y, valid, x, coords[0]);
}

Value batchNormGrad(Evaluator& e, ir::BatchNormGradOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = op.getInput(), dy = op.getResultGrad(), valid = op.getValid();
  Coord channel = coords.back();
  Value g = e.at(dy, coords);
  auto mean = [&](Value sums, unsigned tag) {
    Value m = e.remember(op, tag, {channel}, [&] {
      return divideBy(b, e.at(sums, {channel}), atLeastOne(b, channelCount(e, x, valid)));
    });
    return b.matchShape(m, g.getType());
  };
  Value factor = e.remember(op, kScale, {channel}, [&] {
    return b.mul(e.at(op.getScale(), {channel}), e.at(op.getInvStd(), {channel}));
  });
  Value centred = b.sub(b.sub(g, mean(op.getBiasGrad(), kMeanG)),
                        b.mul(batchNormal(e, op, coords), mean(op.getScaleGrad(), kMeanGx)));
  return keepValid(e, b.mul(b.matchShape(factor, g.getType()), centred), valid, x, coords[0]);
}

Value batchNormApply(Evaluator& e, ir::BatchNormApplyOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = e.at(op.getInput(), coords);
  auto table = [&](Value t) { return b.matchShape(e.at(t, {coords.back()}), x.getType()); };
  Value y = b.fma(b.sub(x, table(op.getMean())), table(op.getFactor()), table(op.getBias()));
  return keepValid(e, y, op.getValid(), op.getInput(), coords[0]);
}

Value batchNormGradApply(Evaluator& e, ir::BatchNormGradApplyOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = e.at(op.getInput(), coords), dy = e.at(op.getResultGrad(), coords);
  auto table = [&](Value t) { return b.matchShape(e.at(t, {coords.back()}), x.getType()); };
  Value dx = b.fma(b.sub(x, table(op.getMean())), table(op.getSlope()), table(op.getOffset()));
  dx = b.fma(dy, table(op.getFactor()), dx);
  return keepValid(e, dx, op.getValid(), op.getInput(), coords[0]);
}

Value updateRunning(Evaluator& e, ir::BatchNormUpdateRunningOp op, unsigned which, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  double momentum = op.getMomentum().convertToDouble();
  Value rows = validRows(e, op.getValid(), b.index(op.getRows()));
  Value count = b.toFloat(b.mul(rows, b.index(op.getRowElements())));
  Value old = e.at(which == 0 ? op.getRunningMean() : op.getRunningVariance(), coords);
  Value batch = e.at(which == 0 ? op.getMean() : op.getVariance(), coords);
  if (which == 1) {
    Value unbiased = b.div(count, atLeastOne(b, b.sub(count, b.constant(count.getType(), 1))));
    batch = b.mul(batch, b.matchShape(unbiased, batch.getType()));
  }
  Value mixed =
      b.fma(b.constant(old.getType(), momentum), batch, b.mul(b.constant(old.getType(), 1 - momentum), old));
  Value enough = b.compare(CmpFPredicate::OGT, count, b.constant(count.getType(), which == 0 ? 0 : 1));
  return b.select(enough, mixed, old);
}

Value layerNorm(Evaluator& e, ir::LayerNormOp op, unsigned which, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = op.getInput();
  int64_t last = tensorTypeOf(x).getRank() - 1;
  double count = double(tensorTypeOf(x).getDimSize(last));
  Coords row(coords.begin(), coords.begin() + last);
  Coords wide = withHoles(row, {last}, last + 1);
  if (which == 1) {
    Value total = e.sum(x, {last}, wide, [&](ArrayRef<Coord> at) { return e.at(x, at); });
    return b.div(total, b.constant(total.getType(), count));
  }
  Value mean = e.at(op.getMean(), row);
  auto centred = [&](ArrayRef<Coord> at) {
    Value value = e.at(x, at);
    return b.sub(value, b.matchShape(mean, value.getType()));
  };
  if (which == 2) {
    Value squares = e.sum(x, {last}, wide, [&](ArrayRef<Coord> at) {
      Value d = centred(at);
      return b.mul(d, d);
    });
    Value variance = b.div(squares, b.constant(squares.getType(), count));
    Value shifted = b.add(variance, b.constant(variance.getType(), op.getEpsilon().convertToDouble()));
    return b.div(b.constant(variance.getType(), 1), b.sqrt(shifted));
  }
  Value normal = centred(coords);
  normal = b.mul(normal, b.matchShape(e.at(op.getInvStd(), row), normal.getType()));
  return b.fma(normal, e.at(op.getScale(), {coords.back()}), e.at(op.getBias(), {coords.back()}));
}

Value layerNormGrad(Evaluator& e, ir::LayerNormGradOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = op.getInput(), dy = op.getResultGrad();
  int64_t last = tensorTypeOf(x).getRank() - 1;
  Coords row(coords.begin(), coords.begin() + last);
  Coords wide = withHoles(row, {last}, last + 1);
  double count = double(tensorTypeOf(x).getDimSize(last));
  auto scaled = [&](ArrayRef<Coord> at) { return b.mul(e.at(dy, at), e.at(op.getScale(), {at.back()})); };
  auto rowMean = [&](unsigned tag, llvm::function_ref<Value(ArrayRef<Coord>)> element) {
    return e.remember(op, tag, row, [&] {
      Value total = e.sum(x, {last}, wide, element);
      return b.div(total, b.constant(total.getType(), count));
    });
  };
  Value meanG = rowMean(kMeanG, scaled);
  Value meanGx =
      rowMean(kMeanGx, [&](ArrayRef<Coord> at) { return b.mul(scaled(at), layerNormal(e, op, at)); });
  Value g = scaled(coords);
  Value centred = b.sub(b.sub(g, b.matchShape(meanG, g.getType())),
                        b.mul(layerNormal(e, op, coords), b.matchShape(meanGx, g.getType())));
  return b.mul(centred, b.matchShape(e.at(op.getInvStd(), row), g.getType()));
}

} // namespace

std::optional<ColumnTotal> normColumnTotal(Evaluator& e, OpResult result) {
  unsigned which = result.getResultNumber();
  using Found = std::optional<ColumnTotal>;
  return llvm::TypeSwitch<mlir::Operation*, Found>(result.getOwner())
      .Case([&](ir::BatchNormTrainOp op) -> Found {
        Value x = op.getInput();
        if (which == 1) // mean
          return channelMean(e, x, op.getValid(), [&e, x](ArrayRef<Coord> at) { return e.at(x, at); });
        if (which != 3) return std::nullopt;
        return channelMean(e, x, op.getValid(), [&e, op, x](ArrayRef<Coord> at) mutable { // variance
          LaneBuilder& b = e.builder();
          Value d = e.at(x, at);
          d = b.sub(d, b.matchShape(e.at(op.getMean(), {at.back()}), d.getType()));
          return b.mul(d, d);
        });
      })
      .Case([&](ir::BatchNormGradOp op) -> Found {
        Value dy = op.getResultGrad();
        if (which == 0) return std::nullopt;
        return channelTotal(e, op.getInput(), op.getValid(), [&e, op, dy, which](ArrayRef<Coord> at) {
          Value g = e.at(dy, at);
          return which == 1 ? e.builder().mul(g, batchNormal(e, op, at)) : g;
        });
      })
      .Case([&](ir::LayerNormGradOp op) -> Found {
        Value dy = op.getResultGrad();
        if (which == 0) return std::nullopt;
        return channelTotal(e, op.getInput(), {}, [&e, op, dy, which](ArrayRef<Coord> at) {
          Value g = e.at(dy, at);
          return which == 1 ? e.builder().mul(g, layerNormal(e, op, at)) : g;
        });
      })
      .Default([](mlir::Operation*) { return Found(); });
}

Value evaluateNorm(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  if (std::optional<ColumnTotal> total = normColumnTotal(e, result)) return valueOf(e, *total, coords[0]);
  LaneBuilder& b = e.builder();
  unsigned which = result.getResultNumber();
  return llvm::TypeSwitch<mlir::Operation*, Value>(result.getOwner())
      .Case([&](ir::BatchNormTrainOp op) { return batchNormTrain(e, op, which, coords); })
      .Case([&](ir::BatchNormGradOp op) { return batchNormGrad(e, op, coords); })
      .Case([&](ir::BatchNormApplyOp op) { return batchNormApply(e, op, coords); })
      .Case([&](ir::BatchNormGradApplyOp op) { return batchNormGradApply(e, op, coords); })
      .Case([&](ir::BatchNormInferenceOp op) {
        Coord channel = coords.back();
        Value x = e.at(op.getInput(), coords);
        Value factor = e.remember(op, kScale, {channel}, [&] {
          Value variance = e.at(op.getVariance(), {channel});
          Value shifted = b.add(variance, b.constant(variance.getType(), op.getEpsilon().convertToDouble()));
          return b.div(e.at(op.getScale(), {channel}), b.sqrt(shifted));
        });
        Value centred = b.sub(x, b.matchShape(e.at(op.getMean(), {channel}), x.getType()));
        return b.fma(centred, b.matchShape(factor, x.getType()),
                     b.matchShape(e.at(op.getBias(), {channel}), x.getType()));
      })
      .Case([&](ir::BatchNormUpdateRunningOp op) { return updateRunning(e, op, which, coords); })
      .Case([&](ir::LayerNormOp op) { return layerNorm(e, op, which, coords); })
      .Case([&](ir::LayerNormGradOp op) { return layerNormGrad(e, op, coords); })
      .Default([](mlir::Operation*) { return Value(); });
}

} // namespace tailor::backend
