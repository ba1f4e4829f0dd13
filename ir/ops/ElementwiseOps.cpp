// Verifiers and folders. The derivatives are in ElementwiseVjp.cpp.

#include "ir/OpIds.h"
#include "ir/ops/Support.h"

#include "mlir/Dialect/CommonFolders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace tailor::ir {

// Folders are exact: the folded number is the one a correctly rounding kernel computes. exp, log and the like
// are left to the backends. x + 0 is x although it turns -0 into +0.

/// Constants larger than this stay ops, so that a dump stays readable and an artifact small.
constexpr int64_t kMaxFoldedElements = 4096;

static bool isFoldable(Attribute constant) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(constant);
  return elements && (elements.isSplat() || elements.getNumElements() <= kMaxFoldedElements);
}

static bool isNumber(Attribute constant, double number) {
  std::optional<double> splat = splatNumber(constant);
  return splat && *splat == number;
}

static Attribute foldUnary(Attribute operand, function_ref<APFloat(APFloat)> floats,
                           function_ref<APInt(APInt)> ints = nullptr) {
  if (!isFoldable(operand)) return {};
  Type element = cast<DenseElementsAttr>(operand).getElementType();
  if (isa<FloatType>(element)) return constFoldUnaryOp<FloatAttr, APFloat, void>(operand, floats);
  return ints ? constFoldUnaryOp<IntegerAttr, APInt, void>(operand, ints) : Attribute();
}

static Attribute foldBinary(Attribute lhs, Attribute rhs, function_ref<APFloat(APFloat, APFloat)> floats,
                            function_ref<APInt(APInt, APInt)> ints = nullptr) {
  if (!isFoldable(lhs) || !isFoldable(rhs)) return {};
  Type element = cast<DenseElementsAttr>(lhs).getElementType();
  if (isa<FloatType>(element)) return constFoldBinaryOp<FloatAttr, APFloat, void>({lhs, rhs}, floats);
  return ints ? constFoldBinaryOp<IntegerAttr, APInt, void>({lhs, rhs}, ints) : Attribute();
}

// --- one operand

OpFoldResult NegOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getOperand().getDefiningOp<NegOp>()) return inner.getOperand();
  return foldUnary(
      adaptor.getOperand(), [](APFloat a) { return neg(a); }, [](APInt a) { return -a; });
}

OpFoldResult AbsOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getDefiningOp<AbsOp>()) return getOperand();
  return foldUnary(
      adaptor.getOperand(), [](APFloat a) { return abs(a); }, [](APInt a) { return a.abs(); });
}

OpFoldResult SignOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getDefiningOp<SignOp>()) return getOperand();
  return foldUnary(
      adaptor.getOperand(),
      [](APFloat a) {
        if (a.isNaN() || a.isZero()) return a;
        return APFloat(a.getSemantics(), a.isNegative() ? "-1" : "1");
      },
      [](APInt a) {
        return APInt(a.getBitWidth(), a.isZero() ? 0 : a.isNegative() ? -1 : 1, /*isSigned=*/true);
      });
}

OpFoldResult SqrtOp::fold(FoldAdaptor adaptor) {
  // double to float rounds sqrt once more only for f64, where the host's sqrt is already correct.
  return foldUnary(adaptor.getOperand(), [](APFloat a) {
    const llvm::fltSemantics& semantics = a.getSemantics();
    bool losesInfo = false;
    a.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    APFloat root(std::sqrt(a.convertToDouble()));
    root.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
    return root;
  });
}

OpFoldResult ReciprocalOp::fold(FoldAdaptor adaptor) {
  return foldUnary(adaptor.getOperand(), [](APFloat a) { return APFloat(a.getSemantics(), "1") / a; });
}

OpFoldResult SquareOp::fold(FoldAdaptor adaptor) {
  return foldUnary(
      adaptor.getOperand(), [](APFloat a) { return a * a; }, [](APInt a) { return a * a; });
}

OpFoldResult ReluOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getDefiningOp<ReluOp>()) return getOperand();
  return foldUnary(adaptor.getOperand(), [](APFloat a) {
    return a.isNaN() || !a.isNegative() ? a : APFloat::getZero(a.getSemantics());
  });
}

OpFoldResult LogicalNotOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getOperand().getDefiningOp<LogicalNotOp>()) return inner.getOperand();
  return foldUnary(
      adaptor.getOperand(), [](APFloat a) { return a; }, [](APInt a) { return ~a; });
}

// --- two operands

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  if (isNumber(adaptor.getRhs(), 0.0)) return getLhs();
  if (isNumber(adaptor.getLhs(), 0.0)) return getRhs();
  return foldBinary(
      adaptor.getLhs(), adaptor.getRhs(), [](APFloat a, APFloat b) { return a + b; },
      [](APInt a, APInt b) { return a + b; });
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  if (isNumber(adaptor.getRhs(), 0.0)) return getLhs();
  return foldBinary(
      adaptor.getLhs(), adaptor.getRhs(), [](APFloat a, APFloat b) { return a - b; },
      [](APInt a, APInt b) { return a - b; });
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (isNumber(adaptor.getRhs(), 1.0)) return getLhs();
  if (isNumber(adaptor.getLhs(), 1.0)) return getRhs();
  return foldBinary(
      adaptor.getLhs(), adaptor.getRhs(), [](APFloat a, APFloat b) { return a * b; },
      [](APInt a, APInt b) { return a * b; });
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (isNumber(adaptor.getRhs(), 1.0)) return getLhs();
  return foldBinary(adaptor.getLhs(), adaptor.getRhs(), [](APFloat a, APFloat b) { return a / b; });
}

OpFoldResult MaxOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs()) return getLhs();
  return foldBinary(
      adaptor.getLhs(), adaptor.getRhs(), [](APFloat a, APFloat b) { return maximum(a, b); },
      [](APInt a, APInt b) { return llvm::APIntOps::smax(a, b); });
}

OpFoldResult MinOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs()) return getLhs();
  return foldBinary(
      adaptor.getLhs(), adaptor.getRhs(), [](APFloat a, APFloat b) { return minimum(a, b); },
      [](APInt a, APInt b) { return llvm::APIntOps::smin(a, b); });
}

OpFoldResult PowOp::fold(FoldAdaptor adaptor) {
  if (isNumber(adaptor.getRhs(), 1.0)) return getLhs();
  return {};
}

LogicalResult PowOp::canonicalize(PowOp op, PatternRewriter& rewriter) {
  auto exponent = op.getRhs().getDefiningOp<ConstantOp>();
  if (!exponent || !isNumber(exponent.getValue(), 2.0)) return failure();
  auto square = SquareOp::create(rewriter, op.getLoc(), op.getLhs());
  inheritOrigin(square, op.getOperation());
  rewriter.replaceOp(op, square);
  return success();
}

OpFoldResult LogicalAndOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs() || isNumber(adaptor.getRhs(), 1.0)) return getLhs();
  if (isNumber(adaptor.getLhs(), 1.0)) return getRhs();
  return {};
}

OpFoldResult LogicalOrOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs() || isNumber(adaptor.getRhs(), 0.0)) return getLhs();
  if (isNumber(adaptor.getLhs(), 0.0)) return getRhs();
  return {};
}

// --- others

/// i1 tensor of the same shape.
static RankedTensorType maskType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.clone(IntegerType::get(type.getContext(), 1));
}

LogicalResult IsFiniteOp::inferReturnTypes(MLIRContext*, std::optional<Location>, Adaptor adaptor,
                                           SmallVectorImpl<Type>& types) {
  types.push_back(maskType(adaptor.getOperand().getType()));
  return success();
}

LogicalResult CompareOp::inferReturnTypes(MLIRContext*, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type>& types) {
  types.push_back(maskType(adaptor.getLhs().getType()));
  return success();
}

OpFoldResult WhereOp::fold(FoldAdaptor adaptor) {
  if (getOnTrue() == getOnFalse()) return getOnTrue();
  if (std::optional<double> condition = splatNumber(adaptor.getCondition()))
    return *condition != 0.0 ? getOnTrue() : getOnFalse();
  return {};
}

LogicalResult DropoutOp::verify() {
  double rate = getRate().convertToDouble();
  if (!(rate >= 0.0 && rate < 1.0)) return emitOpError("expects a rate in [0, 1), got ") << rate;
  return success();
}

void CastOp::build(OpBuilder& builder, OperationState& state, Value operand, Type elementType) {
  build(builder, state, tensorType(operand).clone(elementType), operand);
}

/// Every value of `from` is a value of `to`.
static bool isExactCast(Type from, Type to) {
  if (from.isInteger(1)) return !to.isInteger(1);
  if (isa<FloatType>(from) && isa<FloatType>(to))
    return from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth();
  if (from.isInteger(32)) return to.isInteger(64) || to.isF64();
  return false;
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  if (auto inner = getOperand().getDefiningOp<CastOp>())
    if (inner.getOperand().getType() == getType() &&
        isExactCast(tensorType(inner.getOperand()).getElementType(), tensorType(inner).getElementType()))
      return inner.getOperand();
  if (!isFoldable(adaptor.getOperand())) return {};
  auto elements = cast<DenseElementsAttr>(adaptor.getOperand());
  if (!getType().hasStaticShape() || !isExactCast(elements.getElementType(), getType().getElementType()))
    return {};
  std::optional<double> number = splatNumber(elements);
  if (!number) return {};
  return splatOf(getType(), *number);
}

LogicalResult ClampOp::verify() {
  if (!(getLow().convertToDouble() <= getHigh().convertToDouble()))
    return emitOpError("expects low <= high, got ")
           << getLow().convertToDouble() << " and " << getHigh().convertToDouble();
  return success();
}

OpFoldResult ClampOp::fold(FoldAdaptor) {
  auto inner = getOperand().getDefiningOp<ClampOp>();
  return inner && inner.getLow() == getLow() && inner.getHigh() == getHigh() ? OpFoldResult(getOperand())
                                                                             : OpFoldResult();
}

void ConstantOp::build(OpBuilder& builder, OperationState& state, RankedTensorType type, double number) {
  build(builder, state, type, splatOf(type, number));
}

OpFoldResult ConstantOp::fold(FoldAdaptor) {
  return getValue();
}

} // namespace tailor::ir
