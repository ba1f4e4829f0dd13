#include "passes/WrittenLoss.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;

namespace tailor::passes {
namespace {

using ir::SoftmaxCrossEntropyOp;

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool isMatrix(Value value) {
  return typeOf(value).getRank() == 2;
}

bool overColumns(ArrayRef<int64_t> dims) {
  return dims == ArrayRef<int64_t>{1};
}

/// Written constants are rounded once; a sum or a quotient of two is off by a few units in the last place.
double roundingOf(Value value) {
  return typeOf(value).getElementType().isF64() ? 1e-15 : 5e-7;
}

bool isSplat(Value value, double expected) {
  std::optional<double> number = splatOf(value);
  return number && std::abs(*number - expected) <= roundingOf(value) * std::abs(expected);
}

/// x of 1 - x.
Value complementOf(Value value) {
  auto sub = value.getDefiningOp<ir::SubOp>();
  return sub && isSplat(sub.getLhs(), 1.0) ? sub.getRhs() : nullptr;
}

/// Logarithms of exponentials of logarithms are not followed further.
bool isLogarithm(Value value) {
  return value.getDefiningOp<ir::LogOp>() != nullptr;
}

/// The scalar of a scalar or broadcast scalar.
Value scalarOf(Value value) {
  if (typeOf(value).getRank() == 0) return value;
  auto broadcast = value.getDefiningOp<ir::BroadcastOp>();
  return broadcast && typeOf(broadcast.getOperand()).getRank() == 0 ? broadcast.getOperand() : nullptr;
}

/// The operand of a sum over the columns of a matrix.
Value columnSum(Value value) {
  auto sum = value.getDefiningOp<ir::ReduceSumOp>();
  return sum && isMatrix(sum.getOperand()) && overColumns(sum.getDims()) ? sum.getOperand() : nullptr;
}

/// One number per row that a broadcast spreads over the columns.
Value spreadOverColumns(Value value) {
  auto broadcast = value.getDefiningOp<ir::BroadcastOp>();
  return broadcast && isMatrix(value) && typeOf(broadcast.getOperand()).getRank() == 1 &&
                 broadcast.getDims() == ArrayRef<int64_t>{0}
             ? broadcast.getOperand()
             : nullptr;
}

/// The two factors of a product, either way round, until `matches` accepts (left, right).
Value eitherWay(ir::MulOp product, llvm::function_ref<Value(Value, Value)> matches) {
  if (!product) return nullptr;
  if (Value found = matches(product.getLhs(), product.getRhs())) return found;
  return matches(product.getRhs(), product.getLhs());
}

} // namespace

std::optional<double> splatOf(Value value) {
  DenseFPElementsAttr elements;
  while (auto broadcast = value.getDefiningOp<ir::BroadcastOp>())
    value = broadcast.getOperand();
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat()) return std::nullopt;
  APFloat number = elements.getSplatValue<APFloat>();
  bool inexact;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
  return number.convertToDouble();
}

//===- probabilities ------------------------------------------------------===//

/// logsumexp(z) and log(sum(exp(z))).
static Value unshiftedLogSumExp(Value value) {
  if (auto total = value.getDefiningOp<ir::LogSumExpOp>())
    return isMatrix(total.getOperand()) && total.getDim() == 1 ? total.getOperand() : nullptr;
  if (auto log = value.getDefiningOp<ir::LogOp>())
    if (Value terms = columnSum(log.getOperand()))
      if (auto exp = terms.getDefiningOp<ir::ExpOp>()) return exp.getOperand();
  return nullptr;
}

Value logitsOfLogSumExp(Value value) {
  if (auto add = value.getDefiningOp<ir::AddOp>())
    for (auto [total, shift] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())})
      if (Value shifted = unshiftedLogSumExp(total))
        if (auto sub = shifted.getDefiningOp<ir::SubOp>(); sub && spreadOverColumns(sub.getRhs()) == shift)
          return sub.getLhs();
  return unshiftedLogSumExp(value);
}

Value logitsOfProbabilities(Value value) {
  if (auto softmax = value.getDefiningOp<ir::SoftmaxOp>())
    return isMatrix(value) && softmax.getDim() == 1 ? softmax.getOperand() : nullptr;
  if (auto quotient = value.getDefiningOp<ir::DivOp>())
    if (Value total = spreadOverColumns(quotient.getRhs()); total && columnSum(total) == quotient.getLhs())
      if (auto exp = quotient.getLhs().getDefiningOp<ir::ExpOp>()) return exp.getOperand();
  if (auto exp = value.getDefiningOp<ir::ExpOp>(); exp && isMatrix(value) && !isLogarithm(exp.getOperand()))
    return logitsOfLogProbabilities(exp.getOperand());
  return nullptr;
}

Value logitsOfLogProbabilities(Value value) {
  if (!isMatrix(value)) return nullptr;
  if (auto logSoftmax = value.getDefiningOp<ir::LogSoftmaxOp>())
    return logSoftmax.getDim() == 1 ? logSoftmax.getOperand() : nullptr;
  if (auto log = value.getDefiningOp<ir::LogOp>()) return logitsOfProbabilities(log.getOperand());
  if (auto sub = value.getDefiningOp<ir::SubOp>())
    if (Value total = spreadOverColumns(sub.getRhs()); total && logitsOfLogSumExp(total) == sub.getLhs())
      return sub.getLhs();
  return nullptr;
}

std::optional<Pick> picked(Value value) {
  if (auto chosen = value.getDefiningOp<ir::TakeAlongOp>())
    return isMatrix(chosen.getOperand()) ? std::optional(Pick{chosen.getOperand(), chosen.getIndex()})
                                         : std::nullopt;
  Pick pick;
  Value sum = columnSum(value);
  pick.logits =
      eitherWay(sum ? sum.getDefiningOp<ir::MulOp>() : ir::MulOp(), [&](Value left, Value right) -> Value {
        auto oneHot = left.getDefiningOp<ir::OneHotOp>();
        if (!oneHot) return nullptr;
        pick.labels = oneHot.getIndex();
        return right;
      });
  return pick.logits ? std::optional(pick) : std::nullopt;
}

std::optional<Pick> likelihood(Value value) {
  if (auto exp = value.getDefiningOp<ir::ExpOp>(); exp && !isLogarithm(exp.getOperand()))
    return logLikelihood(exp.getOperand());
  if (std::optional<Pick> pick = picked(value))
    if (Value logits = logitsOfProbabilities(pick->logits)) return Pick{logits, pick->labels};
  return std::nullopt;
}

std::optional<Pick> logLikelihood(Value value) {
  if (auto log = value.getDefiningOp<ir::LogOp>()) return likelihood(log.getOperand());
  if (std::optional<Pick> pick = picked(value))
    if (Value logits = logitsOfLogProbabilities(pick->logits)) return Pick{logits, pick->labels};
  return std::nullopt;
}

std::optional<CrossEntropy> normalisedForm(Operation* op) {
  Value plus = op->getOperand(0), minus = op->getOperand(1);
  if (isa<ir::AddOp>(op)) {
    auto left = plus.getDefiningOp<ir::NegOp>(), right = minus.getDefiningOp<ir::NegOp>();
    if (right) {
      minus = right.getOperand();
    } else if (left) {
      plus = minus;
      minus = left.getOperand();
    } else {
      return std::nullopt;
    }
  }
  for (bool negated : {false, true}) {
    Value logits = logitsOfLogSumExp(negated ? minus : plus);
    std::optional<Pick> pick = picked(negated ? plus : minus);
    if (logits && pick && pick->logits == logits) return CrossEntropy{*pick, negated};
  }
  return std::nullopt;
}

//===- tables -------------------------------------------------------------===//

Value spreadOverRows(Value value) {
  auto broadcast = value.getDefiningOp<ir::BroadcastOp>();
  if (!broadcast || !isMatrix(value)) return nullptr;
  int64_t rank = typeOf(broadcast.getOperand()).getRank();
  return rank == 0 || (rank == 1 && overColumns(broadcast.getDims())) ? broadcast.getOperand() : nullptr;
}

bool isConstantPerRow(Value value) {
  auto broadcast = value.getDefiningOp<ir::BroadcastOp>();
  if (!broadcast || !isMatrix(value)) return false;
  RankedTensorType type = typeOf(broadcast.getOperand());
  return type.getRank() == 0 || spreadOverColumns(value) || (type.getRank() == 2 && type.getDimSize(1) == 1);
}

Value ofLabelOnly(Value value, Value labels) {
  return eitherWay(value.getDefiningOp<ir::MulOp>(), [&](Value left, Value right) -> Value {
    auto oneHot = left.getDefiningOp<ir::OneHotOp>();
    if (!oneHot || oneHot.getIndex() != labels) return nullptr;
    if (Value table = spreadOverRows(right)) return table;
    if (Value perRow = spreadOverColumns(right))
      if (auto lookup = perRow.getDefiningOp<ir::TakeOp>();
          lookup && lookup.getIndex() == labels && typeOf(lookup.getTable()).getRank() == 1)
        return lookup.getTable();
    return nullptr;
  });
}

Value tableFrom(Value source, int64_t numClasses, OpBuilder& builder, Location loc) {
  RankedTensorType type = typeOf(source);
  if (type.getRank() == 1 && type.getDimSize(0) == numClasses) return source;
  SmallVector<int64_t> dims;
  if (type.getRank() == 1) dims.push_back(0);
  return ir::BroadcastOp::create(builder, loc, RankedTensorType::get({numClasses}, type.getElementType()),
                                 source, dims);
}

Value validOfMask(Value value) {
  if (auto cast = value.getDefiningOp<ir::CastOp>()) value = cast.getOperand();
  auto mask = value.getDefiningOp<ir::RowMaskOp>();
  return mask ? mask.getValid() : nullptr;
}

std::pair<Value, Value> unmask(Operation* op) {
  if (auto where = dyn_cast_or_null<ir::WhereOp>(op))
    if (Value valid = validOfMask(where.getCondition()); valid && splatOf(where.getOnFalse()) == 0.0)
      return {where.getOnTrue(), valid};
  if (auto product = dyn_cast_or_null<ir::MulOp>(op))
    for (auto [a, b] :
         {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
      if (Value valid = validOfMask(b)) return {a, valid};
  return {nullptr, nullptr};
}

//===- products and signs -------------------------------------------------===//

Product Product::of(Value value) {
  Product product;
  SmallVector<Value> open{value};
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (auto neg = next.getDefiningOp<ir::NegOp>()) {
      product.negative = !product.negative;
      open.push_back(neg.getOperand());
    } else if (auto mul = next.getDefiningOp<ir::MulOp>();
               mul && product.factors.size() + open.size() < kMaxFactors) {
      open.append({mul.getRhs(), mul.getLhs()});
    } else {
      product.factors.push_back(next);
    }
  }
  return product;
}

//===- smoothing ----------------------------------------------------------===//

std::optional<UniformTerm> UniformTerm::match(Value value) {
  if (auto neg = value.getDefiningOp<ir::NegOp>()) {
    std::optional<UniformTerm> term = match(neg.getOperand());
    if (term) term->negative = !term->negative;
    return term;
  }
  if (Value terms = columnSum(value))
    if (Value logits = logitsOfLogProbabilities(terms)) return UniformTerm{logits, false, true};
  auto meanOf = [](Value mean) -> Value {
    auto reduce = mean.getDefiningOp<ir::ReduceMeanOp>();
    return reduce && isMatrix(reduce.getOperand()) && overColumns(reduce.getDims()) ? reduce.getOperand()
                                                                                    : nullptr;
  };
  if (Value terms = meanOf(value))
    if (Value logits = logitsOfLogProbabilities(terms)) return UniformTerm{logits, true, true};
  if (auto sub = value.getDefiningOp<ir::SubOp>())
    if (Value logits = logitsOfLogSumExp(sub.getLhs()); logits && meanOf(sub.getRhs()) == logits)
      return UniformTerm{logits, true, false};
  return std::nullopt;
}

Value SmoothingTable::tableOf(Value value) const {
  auto lookup = value.getDefiningOp<ir::TakeOp>();
  return lookup && lookup.getIndex() == labels_ && typeOf(lookup.getTable()).getRank() == 1 &&
                 typeOf(lookup.getTable()).getDimSize(0) == numClasses_
             ? lookup.getTable()
             : nullptr;
}

Value SmoothingTable::undoDivision(Value spread) const {
  if (perClass_) return spread;
  double classes = static_cast<double>(numClasses_);
  if (auto quotient = spread.getDefiningOp<ir::DivOp>(); quotient && isSplat(quotient.getRhs(), classes))
    return quotient.getLhs();
  return eitherWay(spread.getDefiningOp<ir::MulOp>(),
                   [&](Value left, Value right) { return isSplat(right, 1.0 / classes) ? left : Value(); });
}

std::optional<SmoothingTable::Eps> SmoothingTable::match(Value keep, Value spread) const {
  // Two constants.
  std::optional<double> kept = splatOf(keep), spreadOver = splatOf(spread);
  if (kept && spreadOver) {
    double eps = perClass_ ? *spreadOver : *spreadOver * static_cast<double>(numClasses_);
    if (std::abs(*kept + eps - 1.0) > roundingOf(keep)) return std::nullopt;
    return Eps{eps, nullptr};
  }
  // A lookup by label, the complement taken before or after it; the division by K likewise.
  auto found = [](Value value) { return Eps{std::nullopt, value}; };
  Value eps = undoDivision(spread), rest = complementOf(keep), restTable = tableOf(keep);
  if (Value table = eps ? tableOf(eps) : Value()) {
    bool complements =
        rest == eps || (rest && tableOf(rest) == table) || (restTable && complementOf(restTable) == table);
    return complements ? std::optional(found(table)) : std::nullopt;
  }
  if (Value table = tableOf(spread))
    if (Value whole = undoDivision(table))
      if ((rest && tableOf(rest) == whole) || (restTable && complementOf(restTable) == whole))
        return found(whole);
  // A scalar, broadcast before or after the arithmetic.
  Value scalar = eps ? scalarOf(eps) : nullptr;
  if (!scalar)
    if (Value divided = scalarOf(spread)) scalar = undoDivision(divided);
  if (!scalar || typeOf(scalar).getRank() != 0) return std::nullopt;
  Value keptScalar = scalarOf(keep);
  bool complements = (rest && (rest == eps || scalarOf(rest) == scalar)) ||
                     (keptScalar && complementOf(keptScalar) == scalar);
  return complements ? std::optional(found(scalar)) : std::nullopt;
}

//===- focal --------------------------------------------------------------===//

bool readsSameLogits(SoftmaxCrossEntropyOp loss, Value logits) {
  if (loss.getMargin() || !loss.getScale().isExactlyValue(1.0)) return false;
  if (!loss.getBias()) return loss.getLogits() == logits;
  auto shift = logits.getDefiningOp<ir::AddOp>();
  return shift && ((shift.getLhs() == loss.getLogits() && spreadOverRows(shift.getRhs()) == loss.getBias()) ||
                   (shift.getRhs() == loss.getLogits() && spreadOverRows(shift.getLhs()) == loss.getBias()));
}

std::optional<FocalFactor> FocalFactor::match(Value factor, SoftmaxCrossEntropyOp loss, unsigned depth) {
  if (depth > 3) return std::nullopt; // a power of a power of a power
  if (auto square = factor.getDefiningOp<ir::SquareOp>()) {
    std::optional<FocalFactor> base = match(square.getOperand(), loss, depth + 1);
    if (base) base->gamma *= 2;
    return base;
  }
  if (auto power = factor.getDefiningOp<ir::PowOp>()) {
    std::optional<double> gamma = splatOf(power.getRhs());
    std::optional<FocalFactor> base =
        gamma && *gamma > 0 ? match(power.getLhs(), loss, depth + 1) : std::nullopt;
    if (base) base->gamma *= *gamma;
    return base;
  }
  auto isMinusLoss = [&](Value value) {
    auto neg = value.getDefiningOp<ir::NegOp>();
    return neg && neg.getOperand() == loss.getLoss();
  };
  // 1 - p as -expm1(-loss).
  if (auto neg = factor.getDefiningOp<ir::NegOp>())
    if (auto expm1 = neg.getOperand().getDefiningOp<ir::Expm1Op>(); expm1 && isMinusLoss(expm1.getOperand()))
      return FocalFactor{1, true};
  Value probability = complementOf(factor);
  if (!probability) return std::nullopt;
  if (auto exp = probability.getDefiningOp<ir::ExpOp>(); exp && isMinusLoss(exp.getOperand()))
    return FocalFactor{1, true};
  if (std::optional<Pick> pick = likelihood(probability);
      pick && pick->labels == loss.getLabels() && readsSameLogits(loss, pick->logits))
    return FocalFactor{1, false};
  return std::nullopt;
}

} // namespace tailor::passes
