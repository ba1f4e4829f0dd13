// Derivatives of the lanewise ops. Rules use the op's result where they can, so that the operand need not be
// kept for the backward.

#include "ir/ops/GradBuilder.h"

#include <numbers>

using namespace mlir;

namespace tailor::ir {

/// A rule of one operand: the gradient from cotangent `g`.
#define TAILOR_UNARY_VJP(OpName, expression)                                                                 \
  LogicalResult OpName::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,           \
                                 SmallVectorImpl<Value>& gradients) {                                        \
    gradients.assign(1, Value());                                                                            \
    if (!needed[0]) return success();                                                                        \
    GradBuilder b(builder, *this);                                                                           \
    Value g = cotangents[0], x = getOperand(), y = getResult();                                              \
    (void)x, (void)y, (void)g;                                                                               \
    gradients[0] = expression;                                                                               \
    return success();                                                                                        \
  }

TAILOR_UNARY_VJP(NegOp, b.neg(g))
TAILOR_UNARY_VJP(AbsOp, b.mul(g, b.create<SignOp>(x)))
TAILOR_UNARY_VJP(SignOp, Value())
TAILOR_UNARY_VJP(ExpOp, b.mul(g, y))
TAILOR_UNARY_VJP(Expm1Op, b.mul(g, b.shift(y, 1.0)))
TAILOR_UNARY_VJP(LogOp, b.div(g, x))
TAILOR_UNARY_VJP(Log1pOp, b.div(g, b.shift(x, 1.0)))
TAILOR_UNARY_VJP(SqrtOp, b.div(b.scale(g, 0.5), y))
TAILOR_UNARY_VJP(RsqrtOp, b.mul(b.scale(g, -0.5), b.mul(b.square(y), y)))
TAILOR_UNARY_VJP(ReciprocalOp, b.neg(b.mul(g, b.square(y))))
TAILOR_UNARY_VJP(SquareOp, b.mul(g, b.scale(x, 2.0)))
TAILOR_UNARY_VJP(TanhOp, b.mul(g, b.sub(b.fillLike(y, 1.0), b.square(y))))
TAILOR_UNARY_VJP(SigmoidOp, b.mul(g, b.mul(y, b.sub(b.fillLike(y, 1.0), y))))
TAILOR_UNARY_VJP(ErfOp, b.mul(g, b.scale(b.exp(b.neg(b.square(x))), 2.0 * std::numbers::inv_sqrtpi)))
TAILOR_UNARY_VJP(SinOp, b.mul(g, b.create<CosOp>(x)))
TAILOR_UNARY_VJP(CosOp, b.neg(b.mul(g, b.create<SinOp>(x))))
TAILOR_UNARY_VJP(ReluOp, b.keep(b.compare(y, Direction::Ne, b.fillLike(y, 0.0)), g)) // y >= 0, or NaN
#undef TAILOR_UNARY_VJP

LogicalResult SiluOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                               SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  // s = sigmoid(x): d(x s) = s (1 + x (1 - s))
  Value x = getOperand(), s = b.create<SigmoidOp>(x);
  Value slope = b.mul(s, b.shift(b.mul(x, b.sub(b.fillLike(s, 1.0), s)), 1.0));
  gradients[0] = b.mul(cotangents[0], slope);
  return success();
}

/// Phi(x) + x phi(x), the slope of x Phi(x).
static Value geluErfSlope(GradBuilder& b, Value x) {
  using namespace std::numbers;
  Value cdf = b.scale(b.shift(b.create<ErfOp>(b.scale(x, sqrt2 / 2)), 1.0), 0.5);
  Value pdf = b.scale(b.exp(b.scale(b.square(x), -0.5)), inv_sqrtpi * sqrt2 / 2);
  return b.add(cdf, b.mul(x, pdf));
}

/// With u = c (x + a x^3), t = tanh(u): slope of x/2 (1 + t) = (1 + t)/2 + x/2 (1 - t^2) c (1 + 3 a x^2).
static Value geluTanhSlope(GradBuilder& b, Value x) {
  constexpr double a = 0.044715;
  const double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  Value squared = b.square(x);
  Value t = b.create<TanhOp>(b.scale(b.mul(x, b.shift(b.scale(squared, a), 1.0)), c));
  Value inner = b.shift(b.scale(squared, 3 * a), 1.0);
  Value outer = b.mul(b.scale(x, 0.5 * c), b.sub(b.fillLike(t, 1.0), b.square(t)));
  return b.add(b.scale(b.shift(t, 1.0), 0.5), b.mul(outer, inner));
}

LogicalResult GeluOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                               SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  Value slope = getForm() == GeluForm::Erf ? geluErfSlope(b, getOperand()) : geluTanhSlope(b, getOperand());
  gradients[0] = b.mul(cotangents[0], slope);
  return success();
}

// --- two operands

LogicalResult AddOp::buildVjp(OpBuilder&, ValueRange cotangents, ArrayRef<bool>,
                              SmallVectorImpl<Value>& gradients) {
  gradients.assign(2, cotangents[0]);
  return success();
}

LogicalResult SubOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign({cotangents[0], needed[1] ? b.neg(cotangents[0]) : Value()});
  return success();
}

LogicalResult MulOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  if (needed[0]) gradients[0] = b.mul(cotangents[0], getRhs());
  if (needed[1]) gradients[1] = b.mul(cotangents[0], getLhs());
  return success();
}

LogicalResult DivOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  Value quotient = b.div(cotangents[0], getRhs());
  if (needed[0]) gradients[0] = quotient;
  if (needed[1]) gradients[1] = b.neg(b.mul(quotient, getResult()));
  return success();
}

/// max and min: the gradient goes to the operand that won; two that did get half each. NaN wins: what made the result
/// NaN must not lose its gradient in silence.
static void buildExtremumVjp(GradBuilder& b, Value lhs, Value rhs, Value y, Value g, ArrayRef<bool> needed,
                             SmallVectorImpl<Value>& gradients) {
  gradients.assign(2, Value());
  auto won = [&](Value x) {
    return b.create<LogicalOrOp>(b.compare(x, Direction::Eq, y), b.compare(x, Direction::Ne, x));
  };
  Value left = won(lhs), right = won(rhs);
  Value share = b.where(b.create<LogicalAndOp>(left, right), b.scale(g, 0.5), g);
  if (needed[0]) gradients[0] = b.keep(left, share);
  if (needed[1]) gradients[1] = b.keep(right, share);
}

LogicalResult MaxOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  buildExtremumVjp(b, getLhs(), getRhs(), getResult(), cotangents[0], needed, gradients);
  return success();
}

LogicalResult MinOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  buildExtremumVjp(b, getLhs(), getRhs(), getResult(), cotangents[0], needed, gradients);
  return success();
}

LogicalResult PowOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  Value g = cotangents[0], base = getLhs(), exponent = getRhs();
  gradients.assign(2, Value());
  if (needed[0]) {
    gradients[0] = b.mul(g, b.mul(exponent, b.create<PowOp>(base, b.shift(exponent, -1.0))));
    // x^0 is 1 everywhere, also at 0, where the product would be 0 * inf.
    auto constant = exponent.getDefiningOp<ConstantOp>();
    std::optional<double> number = constant ? splatNumber(constant.getValue()) : std::nullopt;
    if (!number || *number == 0.0)
      gradients[0] = b.keep(b.compare(exponent, Direction::Ne, b.fillLike(exponent, 0.0)), gradients[0]);
  }
  if (needed[1]) {
    // 0^p stays 0 around every p > 0, so its logarithm must not turn the product into NaN; that of a negative
    // base may: there is no derivative.
    Value zero = b.fillLike(base, 0.0);
    Value flat = b.create<LogicalAndOp>(b.compare(base, Direction::Eq, zero),
                                        b.compare(exponent, Direction::Ge, zero));
    Value safe = b.where(flat, b.fillLike(base, 1.0), base);
    gradients[1] = b.mul(g, b.mul(getResult(), b.create<LogOp>(safe)));
  }
  return success();
}

// --- others

LogicalResult WhereOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  Value g = cotangents[0];
  gradients.assign(3, Value());
  if (needed[1]) gradients[1] = b.keep(getCondition(), g);
  if (needed[2]) gradients[2] = b.where(getCondition(), b.fillLike(g, 0.0), g);
  return success();
}

LogicalResult DropoutOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                  SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  if (needed[0]) gradients[0] = b.create<DropoutOp>(getType(), cotangents[0], getMask(), getRateAttr());
  return success();
}

LogicalResult CastOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                               SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  // A float cast to an integer or i1 is a step function: derivative 0.
  if (needed[0] && isFloatTensor(getType()))
    gradients[0] = b.cast(cotangents[0], tensorType(getOperand()).getElementType());
  return success();
}

LogicalResult ClampOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  Value x = getOperand();
  Value below = b.compare(x, Direction::Lt, b.fillLike(x, getLow().convertToDouble()));
  Value above = b.compare(x, Direction::Gt, b.fillLike(x, getHigh().convertToDouble()));
  // NaN is neither: it passes, and so does its gradient.
  gradients[0] = b.keep(b.create<LogicalNotOp>(b.create<LogicalOrOp>(below, above)), cotangents[0]);
  return success();
}

} // namespace tailor::ir
