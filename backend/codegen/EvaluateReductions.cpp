#include "backend/codegen/EvaluateOps.h"

#include "backend/codegen/ColumnTotal.h"
#include "backend/codegen/ElementaryFunctions.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

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
enum Tag : unsigned { kMaximum = 1, kSumOfExp, kExp, kNorm };

bool isFloat(Type element) {
  return mlir::isa<mlir::FloatType>(element);
}

SmallVector<int64_t> sorted(ArrayRef<int64_t> dims) {
  SmallVector<int64_t> list(dims);
  llvm::sort(list);
  return list;
}

/// The coordinates without dimension `dim`: what a row value depends on.
Coords without(ArrayRef<Coord> coords, int64_t dim) {
  Coords rest(coords.begin(), coords.end());
  rest.erase(rest.begin() + dim);
  return rest;
}

Value reduceExtreme(Evaluator& e, Value operand, ArrayRef<int64_t> dims, Coords coords, bool maximum) {
  LaneBuilder& b = e.builder();
  Type element = e.valueTypeOf(operand);
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
  LaneBuilder& b = e.builder();
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
  LaneBuilder& b = e.builder();
  SoftmaxParts parts;
  Coords coords = withHoles(row, {dim}, tensorTypeOf(operand).getRank());
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
  LaneBuilder& b = e.builder();
  Value operand = op.getOperand();
  int64_t dim = op.getDim(), rank = tensorTypeOf(operand).getRank();
  // First the maximum, then the lowest position that holds it.
  Value maximum = e.remember(op, kMaximum, coords, [&] {
    return reduceExtreme(e, operand, {dim}, withHoles(coords, {dim}, rank), true);
  });
  auto smaller = [&](Value x, Value y) { return b.min(x, y); };
  return e.fold(
      operand, {dim}, withHoles(coords, {dim}, rank), double(tensorTypeOf(operand).getDimSize(dim)), b.i32(),
      [&](Value acc, ArrayRef<Coord> at) {
        Value x = e.at(operand, at), wanted = b.matchShape(maximum, x.getType());
        // The maximum of a row with NaN is NaN, which equals nothing: there the first NaN wins.
        Value hit =
            isFloat(tensorTypeOf(operand).getElementType())
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
    count *= tensorTypeOf(operand).getDimSize(dim);
  return count;
}

/// The number of reduced elements as f32, with dimension 0 at run time where the evaluator says so.
Value reducedCount(Evaluator& e, Value operand, ArrayRef<int64_t> dims) {
  LaneBuilder& b = e.builder();
  if (!e.rows() || !llvm::is_contained(dims, 0))
    return b.constant(b.f32(), double(reducedElements(operand, dims)));
  Value rest = b.index(reducedElements(operand, llvm::ArrayRef(dims).drop_front()));
  return b.toFloat(b.mul(e.rows(), rest));
}

/// Sum over n < valid of x[n, ...] / max(valid, 1), at coordinates without n.
Value evaluateMaskedMean(Evaluator& e, ir::MaskedMeanOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  Value x = op.getOperand();
  Value valid = validRows(e, op.getValid(), e.extent(x, 0));
  Value total = e.sum(x, {0}, withHoles(coords, {0}, tensorTypeOf(x).getRank()),
                      [&](ArrayRef<Coord> at) { return keepRows(e, e.at(x, at), at[0], valid); });
  return divideBy(b, total, b.toFloat(b.max(valid, b.index(1))));
}

/// Sums of products over the contracting dimensions, in row-major order: any shape, no tiles.
Value evaluateDot(Evaluator& e, ir::DotOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  auto lhsBatch = op.getLhsBatch(), rhsBatch = op.getRhsBatch();
  auto lhsContract = op.getLhsContract(), rhsContract = op.getRhsContract();
  Coords lhs(tensorTypeOf(op.getLhs()).getRank()), rhs(tensorTypeOf(op.getRhs()).getRank());
  size_t next = 0;
  for (auto [l, r] : llvm::zip_equal(lhsBatch, rhsBatch))
    lhs[l] = rhs[r] = coords[next++];
  for (int64_t dim : op.getLhsFree())
    lhs[dim] = coords[next++];
  for (int64_t dim : op.getRhsFree())
    rhs[dim] = coords[next++];
  Value first = b.constant(Evaluator::hasLanes(coords) ? b.lanesOf(b.f32()) : b.f32(), 0);
  std::function<Value(size_t, Value)> nest = [&](size_t depth, Value acc) -> Value {
    if (depth == lhsContract.size()) {
      Value x = b.matchShape(e.at(op.getLhs(), lhs), acc.getType());
      return b.fma(x, b.matchShape(e.at(op.getRhs(), rhs), acc.getType()), acc);
    }
    Value size = b.index(tensorTypeOf(op.getLhs()).getDimSize(lhsContract[depth]));
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
  if (std::optional<ColumnTotal> total = reductionColumnTotal(e, result))
    return valueOf(e, *total, coords[0]);
  LaneBuilder& b = e.builder();
  auto total = [&](Value operand, ArrayRef<int64_t> dims) {
    SmallVector<int64_t> list = sorted(dims);
    return e.sum(
        operand, list, withHoles(coords, list, tensorTypeOf(operand).getRank()),
        [&](ArrayRef<Coord> at) { return e.at(operand, at); }, e.valueTypeOf(operand));
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
        Coords wide = withHoles(coords, dims, tensorTypeOf(op.getOperand()).getRank());
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
                                withHoles(row, {int64_t(op.getDim())}, tensorTypeOf(operand).getRank()),
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

std::optional<ColumnTotal> reductionColumnTotal(Evaluator& e, OpResult result) {
  mlir::Operation* op = result.getOwner();
  if (!mlir::isa<ir::ReduceSumOp, ir::ReduceMeanOp, ir::MaskedMeanOp>(op)) return std::nullopt;
  Value x = op->getOperand(0);
  int64_t rank = tensorTypeOf(x).getRank();
  if (rank < 2 || !e.valueTypeOf(x).isF32()) return std::nullopt;
  SmallVector<int64_t> dims = allButLast(rank);
  if (auto mean = mlir::dyn_cast<ir::MaskedMeanOp>(op)) {
    if (rank != 2) return std::nullopt;
    auto valid = [&e, mean, x]() mutable { return validRows(e, mean.getValid(), e.extent(x, 0)); };
    return ColumnTotal{
        x, [&e, x, valid](ArrayRef<Coord> at) mutable { return keepRows(e, e.at(x, at), at[0], valid()); },
        [&e, valid](Value total, const Coord&) mutable {
          LaneBuilder& b = e.builder();
          return divideBy(b, total, b.toFloat(b.max(valid(), b.index(1))));
        }};
  }
  auto sum = mlir::dyn_cast<ir::ReduceSumOp>(op);
  ArrayRef<int64_t> reduced = sum ? sum.getDims() : mlir::cast<ir::ReduceMeanOp>(op).getDims();
  if (sorted(reduced) != dims) return std::nullopt;
  return ColumnTotal{x, [&e, x](ArrayRef<Coord> at) { return e.at(x, at); },
                     [&e, x, dims, isSum = bool(sum)](Value total, const Coord&) {
                       return isSum ? total : divideBy(e.builder(), total, reducedCount(e, x, dims));
                     }};
}

} // namespace tailor::backend
