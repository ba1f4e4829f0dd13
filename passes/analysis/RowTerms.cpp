#include "passes/analysis/RowTerms.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tailor::passes {
namespace {

using ir::FusionClass;

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool isLinear(Operation* op) {
  if (isa<ir::CastOp>(op)) return ir::isFloatTensor(op->getResult(0).getType());
  return isa<ir::AddOp, ir::SubOp, ir::NegOp, ir::StopGradientOp>(op);
}

/// Rounding keeps the order of numbers, and what is not one. Integers wrap, i1 asks whether they are 0, and of NaN, which wins a
/// maximum, they make a number.
bool keepsOrder(Operation* op) {
  if (isa<ir::StopGradientOp>(op)) return true;
  return isa<ir::CastOp>(op) && ir::isFloatTensor(op->getOperand(0).getType()) &&
         ir::isFloatTensor(op->getResult(0).getType());
}

/// True if every element of `value` is `number`, whatever its type.
bool isNumber(Value value, double number) {
  if (auto broadcast = value.getDefiningOp<ir::BroadcastOp>())
    return isNumber(broadcast.getOperand(), number);
  if (auto cast = value.getDefiningOp<ir::CastOp>()) return isNumber(cast.getOperand(), number);
  DenseElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat()) return false;
  if (isa<IntegerType>(constant.getElementType()))
    return double(constant.getSplatValue<APInt>().getSExtValue()) == number;
  return constant.getSplatValue<APFloat>().convertToDouble() == number;
}

/// True if the op leaves dimension 0 as it is: element n of its result comes from element n of its operands.
bool keepsRows(Operation* op) {
  return llvm::TypeSwitch<Operation*, bool>(op)
      .Case([](ir::TransposeOp transpose) {
        return !transpose.getPermutation().empty() && transpose.getPermutation().front() == 0;
      })
      .Case([](ir::SliceOp slice) {
        return !slice.getStarts().empty() && slice.getStarts().front() == 0 &&
               slice.getStrides().front() == 1 &&
               slice.getLimits().front() == typeOf(slice.getOperand()).getDimSize(0);
      })
      .Case([](ir::PadOp pad) {
        return !pad.getLow().empty() && pad.getLow().front() == 0 && pad.getHigh().front() == 0 &&
               pad.getInterior().front() == 0;
      })
      .Case([](ir::ConcatOp concat) { return concat.getDim() != 0; })
      .Case([](ir::RollOp roll) { return roll.getDim() != 0; })
      .Case([](ir::SortPermOp sort) { return sort.getDim() != 0; })
      .Case<ir::MaxPool2dOp, ir::AvgPool2dOp, ir::ReshapeOp>([](auto) { return true; })
      .Default([](Operation*) { return false; });
}

/// Of the ops that keep rows: those that a sum passes through.
bool movesOnly(Operation* op) {
  auto pad = dyn_cast<ir::PadOp>(op);
  return !isa<ir::MaxPool2dOp, ir::SortPermOp>(op) && !(pad && pad.getValue().convertToDouble() != 0);
}

} // namespace

StringRef stringifyRowTerm(RowTerm term) {
  switch (term) {
  case RowTerm::free:
    return "free";
  case RowTerm::count:
    return "count";
  case RowTerm::key:
    return "key";
  case RowTerm::rows:
    return "rows";
  case RowTerm::sum:
    return "sum";
  case RowTerm::mean:
    return "mean";
  case RowTerm::largest:
    return "largest";
  case RowTerm::least:
    return "least";
  case RowTerm::statistic:
    return "statistic";
  case RowTerm::mixed:
    return "mixed";
  }
  llvm_unreachable("every term has a name");
}

void RowTerms::follow(Block& block) {
  for (Operation& op : block.without_terminator())
    follow(&op);
}

RowTerm RowTerms::operator[](Value value) const {
  return terms_.lookup_or(value, RowTerm::free);
}

bool RowTerms::any(Operation* op, RowTerm term) const {
  return llvm::any_of(op->getOperands(), [&](Value operand) { return (*this)[operand] == term; });
}

bool RowTerms::all(Operation* op, ArrayRef<RowTerm> terms) const {
  return llvm::all_of(op->getOperands(),
                      [&](Value operand) { return llvm::is_contained(terms, (*this)[operand]); });
}

/// Whole rows, several elements of dimension 0 each after a reshape.
bool RowTerms::runsOverRows(Value value) const {
  RankedTensorType type = typeOf(value);
  return type.getRank() > 0 && type.getDimSize(0) % rows_ == 0;
}

void RowTerms::follow(Operation* op) {
  for (Value result : op->getResults()) {
    if (terms_.contains(result)) continue;
    RowTerm term = termOf(op, result);
    if (term == RowTerm::rows && !runsOverRows(result)) term = RowTerm::mixed;
    terms_[result] = term;
    if (term != RowTerm::mixed && term != RowTerm::largest && term != RowTerm::least) continue;
    Operation* cause = op;
    for (Value operand : op->getOperands())
      if (Operation* earlier = causes_.lookup(operand)) cause = earlier;
    causes_[result] = cause;
  }
}

/// The sum behind a divisor, bare or guarded against zero: where(total == 0, c, total) or where(total != 0, total, c). Any other
/// choice (a floor under the total) is no sum.
Value RowTerms::totalOf(Value divisor) const {
  if ((*this)[divisor] == RowTerm::sum) return divisor;
  auto guard = divisor.getDefiningOp<ir::WhereOp>();
  auto compare = guard ? guard.getCondition().getDefiningOp<ir::CompareOp>() : ir::CompareOp();
  if (!compare) return {};
  const bool isEqual = compare.getDirection() == ir::Direction::Eq;
  if (!isEqual && compare.getDirection() != ir::Direction::Ne) return {};
  Value total = isEqual ? guard.getOnFalse() : guard.getOnTrue();
  Value other = isEqual ? guard.getOnTrue() : guard.getOnFalse();
  const bool comparesIt = (compare.getLhs() == total && isNumber(compare.getRhs(), 0)) ||
                          (compare.getRhs() == total && isNumber(compare.getLhs(), 0));
  return comparesIt && (*this)[total] == RowTerm::sum && (*this)[other] == RowTerm::free ? total : Value();
}

/// True if a count is at least one, also where a micro-batch has no valid row.
static bool isAtLeastOne(Value count) {
  if (auto cast = count.getDefiningOp<ir::CastOp>()) return isAtLeastOne(cast.getOperand());
  if (auto stop = count.getDefiningOp<ir::StopGradientOp>()) return isAtLeastOne(stop.getOperand());
  auto max = count.getDefiningOp<ir::MaxOp>();
  return max && (isNumber(max.getLhs(), 1) || isNumber(max.getRhs(), 1));
}

RowTerm RowTerms::ofElementwise(Operation* op) {
  if (all(op, {RowTerm::free})) return RowTerm::free;
  if (auto div = dyn_cast<ir::DivOp>(op); div && (*this)[div.getLhs()] == RowTerm::sum) {
    if ((*this)[div.getRhs()] ==
        RowTerm::count) // 0 / 0 of a micro-batch without rows would reach every gradient
      return isAtLeastOne(div.getRhs()) ? RowTerm::mean : RowTerm::mixed;
    if (Value total = totalOf(div.getRhs())) {
      quotients_.push_back({op, total});
      return RowTerm::mean;
    }
  }
  // Not with a count: rows divided by it would be a mean that looks like a sum.
  if (any(op, RowTerm::rows)) return all(op, {RowTerm::rows, RowTerm::free}) ? RowTerm::rows : RowTerm::mixed;
  // A count stays one only where it cannot become something else: cast, at least one.
  if (all(op, {RowTerm::free, RowTerm::count}))
    return isa<ir::CastOp, ir::StopGradientOp>(op) || (isa<ir::MaxOp>(op) && isAtLeastOne(op->getResult(0)))
               ? RowTerm::count
               : RowTerm::mixed;
  if (all(op, {RowTerm::free, RowTerm::statistic})) return RowTerm::statistic;
  for (RowTerm extreme : {RowTerm::largest, RowTerm::least}) {
    const bool isSame = extreme == RowTerm::largest ? isa<ir::MaxOp>(op) : isa<ir::MinOp>(op);
    if (isSame && all(op, {extreme, RowTerm::free})) return extreme;
    if (keepsOrder(op) && all(op, {extreme})) return extreme;
  }
  if (isLinear(op)) {
    if (all(op, {RowTerm::sum})) return RowTerm::sum;
    if (all(op, {RowTerm::mean, RowTerm::free})) return RowTerm::mean;
    return RowTerm::mixed;
  }
  // Times or divided by what no row decides.
  if (isa<ir::MulOp>(op))
    for (RowTerm term : {RowTerm::sum, RowTerm::mean})
      if (all(op, {term, RowTerm::free}) && (*this)[op->getOperand(0)] != (*this)[op->getOperand(1)])
        return term;
  if (isa<ir::DivOp>(op) && (*this)[op->getOperand(1)] == RowTerm::free) {
    const RowTerm dividend = (*this)[op->getOperand(0)];
    if (dividend == RowTerm::sum || dividend == RowTerm::mean) return dividend;
  }
  return RowTerm::mixed;
}

RowTerm RowTerms::ofContraction(ir::DotOp dot) {
  const RowTerm lhs = (*this)[dot.getLhs()], rhs = (*this)[dot.getRhs()];
  if (lhs == RowTerm::free && rhs == RowTerm::free) return RowTerm::free;
  const bool batched =
      !dot.getLhsBatch().empty() && dot.getLhsBatch().front() == 0 && dot.getRhsBatch().front() == 0;
  if (lhs == RowTerm::rows && rhs == RowTerm::rows) {
    if (batched) return RowTerm::rows;
    return !dot.getLhsContract().empty() && dot.getLhsContract().front() == 0 &&
                   dot.getRhsContract().front() == 0
               ? RowTerm::sum
               : RowTerm::mixed;
  }
  if (lhs == RowTerm::rows && rhs == RowTerm::free)
    return dot.getLhsBatch().empty() && !llvm::is_contained(dot.getLhsContract(), 0) ? RowTerm::rows
                                                                                     : RowTerm::mixed;
  for (RowTerm term : {RowTerm::sum, RowTerm::mean})
    if ((lhs == term && rhs == RowTerm::free) || (lhs == RowTerm::free && rhs == term)) return term;
  return RowTerm::mixed;
}

RowTerm RowTerms::ofReduction(Operation* op, ArrayRef<int64_t> dims) {
  const RowTerm operand = (*this)[op->getOperand(0)];
  if (operand == RowTerm::free) return RowTerm::free;
  if (operand == RowTerm::rows) {
    if (!llvm::is_contained(dims, 0)) return RowTerm::rows;
    return isa<ir::ReduceSumOp>(op)   ? RowTerm::sum
           : isa<ir::ReduceMaxOp>(op) ? RowTerm::largest
           : isa<ir::ReduceMinOp>(op) ? RowTerm::least
                                      : RowTerm::mixed;
  }
  if (operand == RowTerm::largest && isa<ir::ReduceMaxOp>(op)) return operand;
  if (operand == RowTerm::least && isa<ir::ReduceMinOp>(op)) return operand;
  if ((operand == RowTerm::sum || operand == RowTerm::mean) && isa<ir::ReduceSumOp, ir::ReduceMeanOp>(op))
    return operand;
  return RowTerm::mixed;
}

RowTerm RowTerms::ofLoss(Operation* op, ir::Reduction reduction, Value valid) {
  if (all(op, {RowTerm::free})) return RowTerm::free;
  for (Value operand : op->getOperands()) {
    const RowTerm term = (*this)[operand];
    const bool fits =
        operand == valid ? term == RowTerm::count : term == RowTerm::rows || term == RowTerm::free;
    if (!fits) return RowTerm::mixed;
  }
  // Without a count padding would be part of the mean.
  const bool isMean = reduction == ir::Reduction::BatchMean || reduction == ir::Reduction::WeightedMean;
  if (isMean && !valid) return RowTerm::mixed;
  switch (reduction) {
  case ir::Reduction::None:
    return RowTerm::rows;
  case ir::Reduction::Sum:
    return RowTerm::sum;
  case ir::Reduction::BatchMean:
    return RowTerm::mean;
  case ir::Reduction::WeightedMean:
    quotients_.push_back({op, {}});
    return RowTerm::mean;
  }
  return RowTerm::mixed;
}

RowTerm RowTerms::termOf(Operation* op, Value result) {
  if (auto mask = dyn_cast<ir::RowMaskOp>(op))
    return (*this)[mask.getValid()] == RowTerm::count ? RowTerm::rows : RowTerm::mixed;
  if (auto iota = dyn_cast<ir::IotaOp>(op)) // row numbers of a part are not those of the batch
    return iota.getDim() == 0 && typeOf(result).getDimSize(0) == rows_ ? RowTerm::mixed : RowTerm::free;
  if (isa<ir::RngKeyOp>(op))
    return any(op, RowTerm::key) ? RowTerm::key : all(op, {RowTerm::free}) ? RowTerm::free : RowTerm::mixed;
  if (any(op, RowTerm::key)) { // a draw counts the elements of dimension 0: they are rows, not parts of rows
    const bool isByRow = typeOf(result).getRank() > 0 && typeOf(result).getDimSize(0) == rows_;
    return isByRow && all(op, {RowTerm::key, RowTerm::rows, RowTerm::free, RowTerm::count}) ? RowTerm::rows
                                                                                            : RowTerm::mixed;
  }
  if (auto broadcast = dyn_cast<ir::BroadcastOp>(op)) {
    const RowTerm operand = (*this)[broadcast.getOperand()];
    if (operand == RowTerm::rows)
      return !broadcast.getDims().empty() && broadcast.getDims().front() == 0 ? RowTerm::rows
                                                                              : RowTerm::mixed;
    return operand;
  }
  if (auto loss = dyn_cast<ir::SoftmaxCrossEntropyOp>(op))
    return ofLoss(op, loss.getReduction(), loss.getValid());
  if (auto loss = dyn_cast<ir::SigmoidCrossEntropyOp>(op))
    return ofLoss(op, loss.getReduction(), loss.getValid());
  if (auto mean = dyn_cast<ir::MaskedMeanOp>(op))
    return (*this)[mean.getOperand()] == RowTerm::rows && (*this)[mean.getValid()] == RowTerm::count
               ? RowTerm::mean
               : RowTerm::mixed;
  if (isa<ir::BatchNormTrainOp>(op)) {
    if (all(op, {RowTerm::free})) return RowTerm::free;
    if (!all(op, {RowTerm::rows, RowTerm::free, RowTerm::count})) return RowTerm::mixed;
    return result == op->getResult(0) ? RowTerm::rows : RowTerm::statistic;
  }
  if (isa<ir::BatchNormUpdateRunningOp>(op))
    return all(op, {RowTerm::statistic, RowTerm::free, RowTerm::count}) ? RowTerm::statistic : RowTerm::mixed;
  if (all(op, {RowTerm::free}))
    return op->getNumRegions() == 0 && isPure(op) ? RowTerm::free : RowTerm::mixed;
  if (auto dot = dyn_cast<ir::DotOp>(op)) return ofContraction(dot);
  if (isa<ir::ReduceSumOp, ir::ReduceMeanOp, ir::ReduceMaxOp, ir::ReduceMinOp>(op))
    return ofReduction(op, op->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef());
  if (isa<ir::ArgmaxOp, ir::LogSumExpOp, ir::SoftmaxOp, ir::LogSoftmaxOp, ir::L2NormalizeOp>(op))
    return ofReduction(op, op->getAttrOfType<IntegerAttr>("dim").getInt());
  if (keepsRows(op)) {
    if (all(op, {RowTerm::rows, RowTerm::free})) return RowTerm::rows;
    if (!movesOnly(op)) return RowTerm::mixed;
    for (RowTerm term : {RowTerm::sum, RowTerm::mean, RowTerm::largest, RowTerm::least, RowTerm::count})
      if (all(op, {term})) return term;
    return RowTerm::mixed;
  }
  switch (ir::fusionClassOf(op)) {
  case FusionClass::Elementwise:
    return ofElementwise(op);
  case FusionClass::Map: // take, take_along, one_hot: row n by its own index, or another row of this batch
  case FusionClass::ChannelMap:
  case FusionClass::LayerNorm:
    return all(op, {RowTerm::rows, RowTerm::free}) ? RowTerm::rows : RowTerm::mixed;
  case FusionClass::Convolution: {
    Value weight = ir::weightOf(op);
    return weight && (*this)[weight] == RowTerm::free && (*this)[op->getOperand(0)] == RowTerm::rows
               ? RowTerm::rows
               : RowTerm::mixed;
  }
  default:
    return RowTerm::mixed;
  }
}

} // namespace tailor::passes
