#include "passes/LossForm.h"

#include <cmath>

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tailor::passes {
namespace {

/// Written constants are rounded to f32; sums of two of them differ from 1 by less than this.
constexpr double kRounding = 1e-6;

std::optional<double> splatOf(Value value) {
  DenseFPElementsAttr elements;
  if (auto broadcast = value.getDefiningOp<ir::BroadcastOp>()) value = broadcast.getOperand();
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat()) return std::nullopt;
  APFloat number = elements.getSplatValue<APFloat>();
  bool inexact;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
  return number.convertToDouble();
}

bool isSplat(Value value, double expected) {
  std::optional<double> number = splatOf(value);
  return number && std::abs(*number - expected) < kRounding;
}

/// x of 1 - x.
Value complementOf(Value value) {
  auto sub = value.getDefiningOp<ir::SubOp>();
  return sub && isSplat(sub.getLhs(), 1.0) ? sub.getRhs() : nullptr;
}

/// The table of take(table, labels).
Value tableOf(Value value, Value labels) {
  auto lookup = value.getDefiningOp<ir::TakeOp>();
  return lookup && lookup.getIndex() == labels &&
                 cast<RankedTensorType>(lookup.getTable().getType()).getRank() == 1
             ? lookup.getTable()
             : nullptr;
}

/// The scalar of a broadcast scalar.
Value scalarOf(Value value) {
  auto broadcast = value.getDefiningOp<ir::BroadcastOp>();
  return broadcast && cast<RankedTensorType>(broadcast.getOperand().getType()).getRank() == 0
             ? broadcast.getOperand()
             : nullptr;
}

} // namespace

LossForm::LossForm(ir::SoftmaxCrossEntropyOp loss)
    : logits(loss.getLogits()), labels(loss.getLabels()), mixLabels(loss.getMixLabels()),
      mixLambda(loss.getMixLambda()), targets(loss.getTargets()), classWeights(loss.getClassWeights()),
      smoothing(loss.getSmoothing()), margin(loss.getMargin()), bias(loss.getBias()), valid(loss.getValid()),
      focalGamma(loss.getFocalGammaAttr()), focalOfWeighted(loss.getFocalOfWeighted()),
      scale(loss.getScale()), reduction(loss.getReduction()),
      elementType(cast<RankedTensorType>(loss.getLoss().getType()).getElementType()) {}

ir::SoftmaxCrossEntropyOp LossForm::create(OpBuilder& builder, Location loc) const {
  SmallVector<int64_t> shape;
  if (reduction == ir::Reduction::None)
    shape.push_back(cast<RankedTensorType>(logits.getType()).getDimSize(0));
  UnitAttr ofWeighted = focalOfWeighted ? builder.getUnitAttr() : UnitAttr();
  return ir::SoftmaxCrossEntropyOp::create(builder, loc, RankedTensorType::get(shape, elementType), logits,
                                           labels, mixLabels, mixLambda, targets, classWeights, smoothing,
                                           margin, bias, valid, focalGamma, ofWeighted,
                                           builder.getF64FloatAttr(scale.convertToDouble()),
                                           ir::ReductionAttr::get(builder.getContext(), reduction));
}

ir::SoftmaxCrossEntropyOp LossForm::createLike(OpBuilder& builder, Location loc,
                                               ir::SoftmaxCrossEntropyOp original) const {
  ir::SoftmaxCrossEntropyOp loss = create(builder, loc);
  loss->setDiscardableAttrs(original->getDiscardableAttrDictionary());
  return loss;
}

TrainedValues::TrainedValues(Operation* scope) {
  scope->walk([&](ir::ValueAndGradOp op) {
    auto body = SymbolTable::lookupNearestSymbolFrom<ir::BodyOp>(op, op.getCalleeAttr());
    for (int64_t index : op.getWrt())
      arguments_.insert(body.getArgument(index));
  });
}

bool TrainedValues::contains(Value value) const {
  SmallVector<Value> open{value};
  DenseSet<Value> seen;
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!seen.insert(next).second) continue;
    if (arguments_.contains(next)) return true;
    if (Operation* op = next.getDefiningOp(); op && !isa<ir::StopGradientOp>(op))
      llvm::append_range(open, op->getOperands());
  }
  return false;
}

Value SmoothingTable::undoDivision(Value spread) const {
  if (perClass_) return spread;
  double classes = static_cast<double>(numClasses_);
  if (auto quotient = spread.getDefiningOp<ir::DivOp>(); quotient && isSplat(quotient.getRhs(), classes))
    return quotient.getLhs();
  if (auto product = spread.getDefiningOp<ir::MulOp>()) {
    if (isSplat(product.getRhs(), 1.0 / classes)) return product.getLhs();
    if (isSplat(product.getLhs(), 1.0 / classes)) return product.getRhs();
  }
  return nullptr;
}

Value SmoothingTable::match(Value keep, Value spread, OpBuilder& builder, Location loc) const {
  auto elementType = cast<RankedTensorType>(keep.getType()).getElementType();
  auto tableType = RankedTensorType::get({numClasses_}, elementType);
  // Two constants.
  std::optional<double> kept = splatOf(keep), spreadOver = splatOf(spread);
  if (kept && spreadOver) {
    double eps = perClass_ ? *spreadOver : *spreadOver * static_cast<double>(numClasses_);
    return std::abs(*kept + eps - 1.0) < kRounding
               ? ir::ConstantOp::create(builder, loc, tableType, eps).getResult()
               : nullptr;
  }
  // A lookup by label, the complement taken before or after it; the division by K likewise.
  Value eps = undoDivision(spread);
  if (eps)
    if (Value table = tableOf(eps, labels_)) {
      Value rest = complementOf(keep);
      if (rest == eps || (rest && tableOf(rest, labels_) == table)) return table;
      Value restTable = tableOf(keep, labels_);
      return restTable && complementOf(restTable) == table ? table : nullptr;
    }
  if (Value table = tableOf(spread, labels_))
    if (Value whole = undoDivision(table)) {
      Value rest = complementOf(keep), restTable = tableOf(keep, labels_);
      if ((rest && tableOf(rest, labels_) == whole) || (restTable && complementOf(restTable) == whole))
        return whole;
    }
  // A scalar, broadcast before or after the arithmetic.
  Value scalar = eps ? scalarOf(eps) : nullptr;
  if (!scalar)
    if (Value divided = scalarOf(spread)) scalar = undoDivision(divided);
  if (!scalar) return nullptr;
  Value rest = complementOf(keep);
  Value keptScalar = scalarOf(keep);
  bool complements = (rest && (rest == eps || scalarOf(rest) == scalar)) ||
                     (keptScalar && complementOf(keptScalar) == scalar);
  return complements
             ? ir::BroadcastOp::create(builder, loc, tableType, scalar, ArrayRef<int64_t>{}).getResult()
             : nullptr;
}

} // namespace tailor::passes
