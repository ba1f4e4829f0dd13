#include "backend/cpu/evaluate/EvaluateOps.h"

#include "backend/cpu/evaluate/VectorMath.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>
#include <numeric>

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpFPredicate;
using mlir::arith::CmpIPredicate;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What a composite op remembers per row: see Evaluator::remember.
enum Tag : unsigned { kMaximum = 1, kSumOfExp, kExp, kNorm, kMeanG, kMeanGx, kScale, kCount };

RankedTensorType tensorType(Value v) {
  return mlir::cast<RankedTensorType>(v.getType());
}
bool isFloat(Type element) {
  return mlir::isa<mlir::FloatType>(element);
}

SmallVector<int64_t> sorted(ArrayRef<int64_t> dims) {
  SmallVector<int64_t> list(dims);
  llvm::sort(list);
  return list;
}

/// Coordinates of the operand of a reduction: those of the result, with holes at `dims`.
Coords withHoles(ArrayRef<Coord> coords, ArrayRef<int64_t> dims, int64_t rank) {
  Coords wide(rank);
  size_t next = 0;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(dims, dim)) wide[dim] = coords[next++];
  return wide;
}

/// The coordinates without dimension `dim`: what a row value depends on.
Coords without(ArrayRef<Coord> coords, int64_t dim) {
  Coords rest(coords.begin(), coords.end());
  rest.erase(rest.begin() + dim);
  return rest;
}

Value reduceExtreme(Evaluator& e, Value operand, ArrayRef<int64_t> dims, Coords coords, bool maximum) {
  VectorBuilder& b = e.builder();
  Type element = tensorType(operand).getElementType();
  double identity = maximum ? -kInfinity : kInfinity;
  if (!isFloat(element)) {
    double limit = element.isInteger(64) ? 9.2e18 : 2147483647.0;
    identity = maximum ? -limit - (element.isInteger(64) ? 0 : 1) : limit;
  }
  auto combine = [&](Value x, Value y) { return maximum ? b.max(x, y) : b.min(x, y); };
  return e.fold(
      operand, dims, std::move(coords), identity, element,
      [&](Value acc, ArrayRef<Coord> at) {
        return combine(acc, b.matchShape(e.at(operand, at), acc.getType()));
      },
      combine);
}

/// The largest logit of a row, for shifting; NaN need not survive because it comes back through the sum.
Value shiftMaximum(Evaluator& e, Value operand, int64_t dim, Coords coords) {
  VectorBuilder& b = e.builder();
  auto combine = [&](Value x, Value y) { return b.select(b.compare(CmpFPredicate::OGT, x, y), x, y); };
  Value maximum = e.fold(
      operand, {dim}, std::move(coords), -kInfinity, b.f32(),
      [&](Value acc, ArrayRef<Coord> at) {
        return combine(acc, b.matchShape(e.at(operand, at), acc.getType()));
      },
      combine);
  // Shifting by an infinity would give inf - inf. Shifted by 0 a row with inf has the sum inf, an all -inf row the
  // sum 0, whose logarithms are what they should be.
  Value infinite = b.compare(CmpFPredicate::OEQ, b.abs(maximum), b.constant(maximum.getType(), kInfinity));
  return b.select(infinite, b.zeroLike(maximum), maximum);
}

struct SoftmaxParts {
  Value maximum, sumOfExp;
};

SoftmaxParts softmaxParts(Evaluator& e, mlir::Operation* op, Value operand, int64_t dim,
                          ArrayRef<Coord> row) {
  VectorBuilder& b = e.builder();
  SoftmaxParts parts;
  Coords coords = withHoles(row, {dim}, tensorType(operand).getRank());
  parts.maximum = e.remember(op, kMaximum, row, [&] { return shiftMaximum(e, operand, dim, coords); });
  parts.sumOfExp = e.remember(op, kSumOfExp, row, [&] {
    return e.sum(operand, {dim}, coords, [&](ArrayRef<Coord> at) {
      return e.remember(op, kExp, at, [&] {
        Value x = e.at(operand, at);
        return emitExp(b, b.sub(x, b.matchShape(parts.maximum, x.getType())));
      });
    });
  });
  return parts;
}

Value evaluateArgmax(Evaluator& e, ir::ArgmaxOp op, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value operand = op.getOperand();
  int64_t dim = op.getDim(), rank = tensorType(operand).getRank();
  // First the maximum, then the lowest position that holds it.
  Value maximum = e.remember(op, kMaximum, coords, [&] {
    return reduceExtreme(e, operand, {dim}, withHoles(coords, {dim}, rank), true);
  });
  auto smaller = [&](Value x, Value y) { return b.min(x, y); };
  return e.fold(
      operand, {dim}, withHoles(coords, {dim}, rank), double(tensorType(operand).getDimSize(dim)), b.i32(),
      [&](Value acc, ArrayRef<Coord> at) {
        Value x = e.at(operand, at), wanted = b.matchShape(maximum, x.getType());
        // The maximum of a row with NaN is NaN, which equals nothing: there the first NaN wins.
        Value hit =
            isFloat(tensorType(operand).getElementType())
                ? b.bitOr(b.compare(CmpFPredicate::OEQ, x, wanted), b.compare(CmpFPredicate::UNO, x, x))
                : b.compare(CmpIPredicate::eq, x, wanted);
        Value here = b.matchShape(e.positionI32(at[dim]), acc.getType());
        return b.select(b.matchShape(hit, acc.getType()), b.min(acc, here), acc);
      },
      smaller);
}

int64_t reducedElements(Value operand, ArrayRef<int64_t> dims) {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= tensorType(operand).getDimSize(dim);
  return count;
}

/// The number of reduced elements as f32, with dimension 0 at run time where the evaluator says so.
Value reducedCount(Evaluator& e, Value operand, ArrayRef<int64_t> dims) {
  VectorBuilder& b = e.builder();
  if (!e.rows() || !llvm::is_contained(dims, 0))
    return b.constant(b.f32(), double(reducedElements(operand, dims)));
  Value rest = b.index(reducedElements(operand, llvm::ArrayRef(dims).drop_front()));
  return b.toFloat(b.mul(e.rows(), rest));
}

Value divideBy(VectorBuilder& b, Value x, Value count) {
  return b.div(x, b.matchShape(count, x.getType()));
}

/// Sum over n < valid of x[n, ...] / max(valid, 1).
Value evaluateMaskedMean(Evaluator& e, ir::MaskedMeanOp op, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value x = op.getOperand();
  Value valid = validRows(e, op.getValid(), e.extent(x, 0));
  Value total = e.sum(x, {0}, withHoles(coords, {0}, tensorType(x).getRank()), [&](ArrayRef<Coord> at) {
    Value value = e.at(x, at), inside = isBelow(e, at[0], valid);
    return b.select(b.matchShape(inside, value.getType()), value, b.zeroLike(value));
  });
  return divideBy(b, total, b.toFloat(b.max(valid, b.index(1))));
}

/// Sums of products over the contracting dimensions, in row-major order: any shape, no tiles.
Value evaluateDot(Evaluator& e, ir::DotOp op, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  auto lhsBatch = op.getLhsBatch(), rhsBatch = op.getRhsBatch();
  auto lhsContract = op.getLhsContract(), rhsContract = op.getRhsContract();
  Coords lhs(tensorType(op.getLhs()).getRank()), rhs(tensorType(op.getRhs()).getRank());
  size_t next = 0;
  for (auto [l, r] : llvm::zip_equal(lhsBatch, rhsBatch))
    lhs[l] = rhs[r] = coords[next++];
  for (int64_t dim : op.getLhsFree())
    lhs[dim] = coords[next++];
  for (int64_t dim : op.getRhsFree())
    rhs[dim] = coords[next++];
  Value first = b.constant(Evaluator::hasLanes(coords) ? b.vectorOf(b.f32()) : b.f32(), 0);
  std::function<Value(size_t, Value)> nest = [&](size_t depth, Value acc) -> Value {
    if (depth == lhsContract.size()) {
      Value x = b.matchShape(e.at(op.getLhs(), lhs), acc.getType());
      return b.fma(x, b.matchShape(e.at(op.getRhs(), rhs), acc.getType()), acc);
    }
    Value size = b.index(tensorType(op.getLhs()).getDimSize(lhsContract[depth]));
    auto loop = e.loop(b.index(0), size, 1, acc, [&](Value index, mlir::ValueRange args) {
      lhs[lhsContract[depth]] = rhs[rhsContract[depth]] = e.coord(index);
      return SmallVector<Value>{nest(depth + 1, args[0])};
    });
    return loop.getResult(0);
  };
  return nest(0, first);
}

} // namespace

Value evaluateReduction(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  auto total = [&](Value operand, ArrayRef<int64_t> dims) {
    SmallVector<int64_t> list = sorted(dims);
    return e.sum(
        operand, list, withHoles(coords, list, tensorType(operand).getRank()),
        [&](ArrayRef<Coord> at) { return e.at(operand, at); }, tensorType(operand).getElementType());
  };
  auto rowOf = [&](int64_t dim) { return without(coords, dim); };
  return llvm::TypeSwitch<mlir::Operation*, Value>(result.getOwner())
      .Case([&](ir::ReduceSumOp op) -> Value {
        return op.getDims().empty() ? e.at(op.getOperand(), coords) : total(op.getOperand(), op.getDims());
      })
      .Case([&](ir::ReduceMeanOp op) -> Value {
        if (op.getDims().empty()) return e.at(op.getOperand(), coords);
        return divideBy(b, total(op.getOperand(), op.getDims()),
                        reducedCount(e, op.getOperand(), sorted(op.getDims())));
      })
      .Case<ir::ReduceMaxOp, ir::ReduceMinOp>([&](auto op) -> Value {
        if (op.getDims().empty()) return e.at(op.getOperand(), coords);
        SmallVector<int64_t> dims = sorted(op.getDims());
        Coords wide = withHoles(coords, dims, tensorType(op.getOperand()).getRank());
        return reduceExtreme(e, op.getOperand(), dims, wide, mlir::isa<ir::ReduceMaxOp>(op.getOperation()));
      })
      .Case([&](ir::ArgmaxOp op) { return evaluateArgmax(e, op, coords); })
      .Case([&](ir::LogSumExpOp op) {
        SoftmaxParts parts = softmaxParts(e, op, op.getOperand(), op.getDim(), coords);
        return b.add(parts.maximum, emitLog(b, parts.sumOfExp));
      })
      .Case([&](ir::SoftmaxOp op) {
        SoftmaxParts parts = softmaxParts(e, op, op.getOperand(), op.getDim(), rowOf(op.getDim()));
        Value exp = e.remember(op, kExp, coords, [&] {
          Value x = e.at(op.getOperand(), coords);
          return emitExp(b, b.sub(x, b.matchShape(parts.maximum, x.getType())));
        });
        return divideBy(b, exp, parts.sumOfExp);
      })
      .Case([&](ir::LogSoftmaxOp op) {
        Coords row = rowOf(op.getDim());
        SoftmaxParts parts = softmaxParts(e, op, op.getOperand(), op.getDim(), row);
        Value logarithm = e.remember(op, kNorm, row, [&] { return emitLog(b, parts.sumOfExp); });
        Value x = e.at(op.getOperand(), coords);
        return b.sub(b.sub(x, b.matchShape(parts.maximum, x.getType())),
                     b.matchShape(logarithm, x.getType()));
      })
      .Case([&](ir::L2NormalizeOp op) {
        Value operand = op.getOperand();
        Coords row = rowOf(op.getDim());
        Value norm = e.remember(op, kNorm, row, [&] {
          Value squares = e.sum(operand, {int64_t(op.getDim())},
                                withHoles(row, {int64_t(op.getDim())}, tensorType(operand).getRank()),
                                [&](ArrayRef<Coord> at) {
                                  Value x = e.at(operand, at);
                                  return b.mul(x, x);
                                });
          Value length = b.sqrt(squares);
          return b.max(length, b.constant(length.getType(), op.getEpsilon().convertToDouble()));
        });
        return divideBy(b, e.at(operand, coords), norm);
      })
      .Case([&](ir::MaskedMeanOp op) { return evaluateMaskedMean(e, op, coords); })
      .Case([&](ir::DotOp op) { return evaluateDot(e, op, coords); })
      .Default([](mlir::Operation*) { return Value(); });
}

// --- normalisation

namespace {

SmallVector<int64_t> allButLast(Value x) {
  SmallVector<int64_t> dims(tensorType(x).getRank() - 1);
  std::iota(dims.begin(), dims.end(), 0);
  return dims;
}

/// Sum over the valid rows and all positions between of `element`, per channel.
Value channelSum(Evaluator& e, Value x, Value valid, const Coord& channel,
                 llvm::function_ref<Value(ArrayRef<Coord>)> element) {
  VectorBuilder& b = e.builder();
  SmallVector<int64_t> dims = allButLast(x);
  return e.sum(x, dims, withHoles({channel}, dims, tensorType(x).getRank()), [&](ArrayRef<Coord> at) {
    Value value = element(at);
    if (!valid) return value;
    Value inside = isBelow(e, at[0], validRows(e, valid, e.extent(x, 0)));
    return b.select(b.matchShape(inside, value.getType()), value, b.zeroLike(value));
  });
}

/// M: valid rows times the positions between, as f32.
Value channelCount(Evaluator& e, Value x, Value valid) {
  VectorBuilder& b = e.builder();
  RankedTensorType type = tensorType(x);
  int64_t between = 1;
  for (int64_t dim = 1; dim + 1 < type.getRank(); ++dim)
    between *= type.getDimSize(dim);
  return e.remember(x.getAsOpaquePointer(), kCount, {},
                    [&] { return b.toFloat(b.mul(validRows(e, valid, e.extent(x, 0)), b.index(between))); });
}

Value atLeastOne(VectorBuilder& b, Value count) {
  Value one = b.constant(count.getType(), 1);
  return b.select(b.compare(CmpFPredicate::OLT, count, one), one, count);
}

/// Zero for rows from `valid` on.
Value keepValid(Evaluator& e, Value value, Value valid, Value x, const Coord& row) {
  if (!valid) return value;
  VectorBuilder& b = e.builder();
  Value inside = isBelow(e, row, validRows(e, valid, e.extent(x, 0)));
  return b.select(b.matchShape(inside, value.getType()), value, b.zeroLike(value));
}

Value batchNormTrain(Evaluator& e, ir::BatchNormTrainOp op, unsigned which, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value x = op.getInput(), valid = op.getValid();
  if (which > 0) {
    const Coord& channel = coords[0];
    Value count = atLeastOne(b, channelCount(e, x, valid));
    if (which == 1)
      return divideBy(b, channelSum(e, x, valid, channel, [&](ArrayRef<Coord> at) { return e.at(x, at); }),
                      count);
    if (which == 3) {
      Value mean = e.at(op.getMean(), {channel});
      Value squares = channelSum(e, x, valid, channel, [&](ArrayRef<Coord> at) {
        Value d = e.at(x, at);
        d = b.sub(d, b.matchShape(mean, d.getType()));
        return b.mul(d, d);
      });
      return divideBy(b, squares, count);
    }
    Value variance = e.at(op.getVariance(), {channel});
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

Value batchNormGrad(Evaluator& e, ir::BatchNormGradOp op, unsigned which, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value x = op.getInput(), dy = op.getResultGrad(), valid = op.getValid();
  auto normal = [&](ArrayRef<Coord> at) {
    Value value = e.at(x, at);
    Value mean = b.matchShape(e.at(op.getMean(), {at.back()}), value.getType());
    return b.mul(b.sub(value, mean), b.matchShape(e.at(op.getInvStd(), {at.back()}), value.getType()));
  };
  if (which == 1)
    return channelSum(e, x, valid, coords[0],
                      [&](ArrayRef<Coord> at) { return b.mul(e.at(dy, at), normal(at)); });
  if (which == 2) return channelSum(e, x, valid, coords[0], [&](ArrayRef<Coord> at) { return e.at(dy, at); });
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
                        b.mul(normal(coords), mean(op.getScaleGrad(), kMeanGx)));
  return keepValid(e, b.mul(b.matchShape(factor, g.getType()), centred), valid, x, coords[0]);
}

Value batchNormApply(Evaluator& e, ir::BatchNormApplyOp op, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value x = e.at(op.getInput(), coords);
  auto table = [&](Value t) { return b.matchShape(e.at(t, {coords.back()}), x.getType()); };
  Value y = b.fma(b.sub(x, table(op.getMean())), table(op.getFactor()), table(op.getBias()));
  return keepValid(e, y, op.getValid(), op.getInput(), coords[0]);
}

Value batchNormGradApply(Evaluator& e, ir::BatchNormGradApplyOp op, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value x = e.at(op.getInput(), coords), dy = e.at(op.getResultGrad(), coords);
  auto table = [&](Value t) { return b.matchShape(e.at(t, {coords.back()}), x.getType()); };
  Value dx = b.fma(b.sub(x, table(op.getMean())), table(op.getSlope()), table(op.getOffset()));
  dx = b.fma(dy, table(op.getFactor()), dx);
  return keepValid(e, dx, op.getValid(), op.getInput(), coords[0]);
}

Value updateRunning(Evaluator& e, ir::BatchNormUpdateRunningOp op, unsigned which, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
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
  VectorBuilder& b = e.builder();
  Value x = op.getInput();
  int64_t last = tensorType(x).getRank() - 1;
  double count = double(tensorType(x).getDimSize(last));
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

Value layerNormGrad(Evaluator& e, ir::LayerNormGradOp op, unsigned which, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  Value x = op.getInput(), dy = op.getResultGrad();
  int64_t last = tensorType(x).getRank() - 1;
  auto normal = [&](ArrayRef<Coord> at) {
    Value value = e.at(x, at);
    Value mean = b.matchShape(e.at(op.getMean(), at.drop_back()), value.getType());
    return b.mul(b.sub(value, mean), b.matchShape(e.at(op.getInvStd(), at.drop_back()), value.getType()));
  };
  SmallVector<int64_t> rows = allButLast(x);
  Coords channel = which == 0 ? Coords() : withHoles(coords, rows, last + 1);
  if (which == 1)
    return e.sum(x, rows, channel, [&](ArrayRef<Coord> at) { return b.mul(e.at(dy, at), normal(at)); });
  if (which == 2) return e.sum(x, rows, channel, [&](ArrayRef<Coord> at) { return e.at(dy, at); });
  Coords row(coords.begin(), coords.begin() + last);
  Coords wide = withHoles(row, {last}, last + 1);
  double count = double(tensorType(x).getDimSize(last));
  auto scaled = [&](ArrayRef<Coord> at) { return b.mul(e.at(dy, at), e.at(op.getScale(), {at.back()})); };
  auto rowMean = [&](unsigned tag, llvm::function_ref<Value(ArrayRef<Coord>)> element) {
    return e.remember(op, tag, row, [&] {
      Value total = e.sum(x, {last}, wide, element);
      return b.div(total, b.constant(total.getType(), count));
    });
  };
  Value meanG = rowMean(kMeanG, scaled);
  Value meanGx = rowMean(kMeanGx, [&](ArrayRef<Coord> at) { return b.mul(scaled(at), normal(at)); });
  Value g = scaled(coords);
  Value centred = b.sub(b.sub(g, b.matchShape(meanG, g.getType())),
                        b.mul(normal(coords), b.matchShape(meanGx, g.getType())));
  return b.mul(centred, b.matchShape(e.at(op.getInvStd(), row), g.getType()));
}

} // namespace

Value evaluateNorm(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  VectorBuilder& b = e.builder();
  unsigned which = result.getResultNumber();
  return llvm::TypeSwitch<mlir::Operation*, Value>(result.getOwner())
      .Case([&](ir::BatchNormTrainOp op) { return batchNormTrain(e, op, which, coords); })
      .Case([&](ir::BatchNormGradOp op) { return batchNormGrad(e, op, which, coords); })
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
      .Case([&](ir::LayerNormGradOp op) { return layerNormGrad(e, op, which, coords); })
      .Default([](mlir::Operation*) { return Value(); });
}

int64_t columnsOf(RankedTensorType type) {
  int64_t columns = 1;
  for (int64_t size : type.getShape().drop_front())
    columns *= size;
  return columns;
}

std::optional<RowTotal> rowTotalOf(Evaluator& e, mlir::OpResult result) {
  VectorBuilder& b = e.builder();
  mlir::Operation* op = result.getOwner();
  if (auto mean = mlir::dyn_cast<ir::MaskedMeanOp>(op)) {
    Value x = mean.getOperand();
    if (tensorType(x).getRank() != 1) return std::nullopt;
    auto valid = [&e, mean, x]() mutable { return validRows(e, mean.getValid(), e.extent(x, 0)); };
    return RowTotal{
        [&e, &b, x, valid](const Coord& row) mutable {
          Value value = e.at(x, {row});
          return b.select(isBelow(e, row, valid()), value, b.zeroLike(value));
        },
        [&b, valid](Value total) mutable { return b.div(total, b.toFloat(b.max(valid(), b.index(1)))); }};
  }
  if (mlir::isa<ir::ReduceSumOp, ir::ReduceMeanOp>(op) && tensorType(result).getRank() == 0) {
    Value x = op->getOperand(0);
    RankedTensorType type = tensorType(x);
    if (type.getRank() == 0 || !type.getElementType().isF32()) return std::nullopt;
    SmallVector<int64_t> inner;
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      inner.push_back(dim);
    int64_t columns = columnsOf(type);
    bool isMean = mlir::isa<ir::ReduceMeanOp>(op);
    return RowTotal{[&e, x, inner](const Coord& row) {
                      if (inner.empty()) return e.at(x, {row});
                      Coords coords(inner.size() + 1);
                      coords[0] = row;
                      return e.sum(x, inner, coords, [&](ArrayRef<Coord> at) { return e.at(x, at); });
                    },
                    [&e, &b, x, columns, isMean](Value total) {
                      if (!isMean) return total;
                      return b.div(total, b.toFloat(b.mul(e.extent(x, 0), b.index(columns))));
                    }};
  }
  return lossRowTotal(e, result);
}

} // namespace tailor::backend
