#include "backend/codegen/ElementaryFunctions.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace tailor::backend {

using mlir::Type;
using mlir::Value;
using mlir::arith::CmpFPredicate;
using mlir::arith::CmpIPredicate;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// c[0] x^(n-1) + ... + c[n-1], Horner with fused multiply-adds.
Value polynomial(LaneBuilder& b, Value x, llvm::ArrayRef<double> coefficients) {
  Value sum = b.constant(x.getType(), coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = b.fma(sum, x, b.constant(x.getType(), coefficient));
  return sum;
}

Value isNan(LaneBuilder& b, Value x) {
  return b.compare(CmpFPredicate::UNO, x, x);
}

/// x limited to [low, high]; NaN passes.
Value limit(LaneBuilder& b, Value x, double low, double high) {
  Value lo = b.constant(x.getType(), low), hi = b.constant(x.getType(), high);
  x = b.select(b.compare(CmpFPredicate::OLT, x, lo), lo, x);
  return b.select(b.compare(CmpFPredicate::OGT, x, hi), hi, x);
}

/// Nearest integer of a small float, as float and as i32, by adding 1.5 * 2^23.
std::pair<Value, Value> roundSmall(LaneBuilder& b, Value x) {
  Value magic = b.constant(x.getType(), 12582912.0);
  Value shifted = b.add(x, magic);
  Value integer = b.sub(b.bitcast(shifted, b.i32()), b.bitcast(magic, b.i32()));
  return {b.sub(shifted, magic), integer};
}

/// 2^n for an i32 n in the range of normal exponents.
Value powerOfTwo(LaneBuilder& b, Value n) {
  return b.bitcast(b.shiftLeft(b.add(n, b.constant(n.getType(), 127)), 23), b.f32());
}

Value copySign(LaneBuilder& b, Value magnitude, Value sign) {
  Type integers = b.withElement(sign.getType(), b.i32());
  Value bit = b.bitAnd(b.bitcast(sign, b.i32()), b.bits(integers, 0x80000000u));
  return b.bitcast(b.bitOr(b.bitcast(magnitude, b.i32()), bit), b.f32());
}

/// f64 exp on |x| < 700 without special cases, relative error below 1e-13.
Value expWide(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Value magic = b.constant(type, 6755399441055744.0); // 1.5 * 2^52
  Value shifted = b.fma(x, b.constant(type, std::numbers::log2e), magic);
  Value n = b.sub(shifted, magic);
  Value r = b.fma(n, b.constant(type, -0x1.62e42fefa39efp-1), x);
  r = b.fma(n, b.constant(type, -0x1.abc9e3b39803fp-56), r);
  llvm::SmallVector<double> coefficients;
  double factorial = 1;
  for (int k = 1; k <= 11; ++k)
    factorial *= k;
  for (int k = 11; k >= 0; --k) {
    coefficients.push_back(1 / factorial);
    factorial /= std::max(k, 1);
  }
  Value scale =
      b.shiftLeft(b.add(b.bitcast(shifted, b.i64()), b.constant(b.withElement(type, b.i64()), 1023)), 52);
  return b.mul(polynomial(b, r, coefficients), b.bitcast(scale, b.builder().getF64Type()));
}

/// f64 logarithm of a positive, finite, normal number, relative error below 1e-13.
Value logWide(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Type integers = b.withElement(type, b.i64());
  Type f64 = b.builder().getF64Type();
  Value bits = b.bitcast(x, b.i64());
  // Subtracting the bits of sqrt(1/2) moves the mantissa to [sqrt(1/2), sqrt(2)).
  Value shifted = b.sub(bits, b.integer(integers, 0x3fe6a09e667f3bcd));
  Value exponent = b.shiftRightSigned(shifted, 52);
  Value mantissa = b.bitcast(b.sub(bits, b.shiftLeft(exponent, 52)), f64);
  Value one = b.constant(type, 1);
  Value s = b.div(b.sub(mantissa, one), b.add(mantissa, one));
  Value z = b.mul(s, s);
  llvm::SmallVector<double> coefficients;
  for (int k = 21; k >= 1; k -= 2)
    coefficients.push_back(2.0 / k);
  Value e = b.convert(b.convert(exponent, b.i32()), f64);
  return b.fma(e, b.constant(type, std::numbers::ln2), b.mul(s, polynomial(b, z, coefficients)));
}

/// sin (quadrant shift 0) and cos (1): reduction by pi/2 in f64, then two f32 polynomials.
Value emitSinusoid(LaneBuilder& b, Value x, int quadrantShift) {
  Type type = x.getType();
  Type integers = b.withElement(type, b.i32());
  Type f64 = b.builder().getF64Type();
  Type wideType = b.withElement(type, f64);
  Value wide = b.convert(x, f64);
  Value magic = b.constant(wideType, 6755399441055744.0);
  Value shifted = b.fma(wide, b.constant(wideType, 2 / std::numbers::pi), magic);
  Value n = b.sub(shifted, magic);
  Value r = b.fma(n, b.constant(wideType, -0x1.921fb54442d18p0), wide);
  r = b.convert(b.fma(n, b.constant(wideType, -0x1.1a62633145c07p-54), r), b.f32());
  Value quadrant =
      b.add(b.convert(b.bitcast(shifted, b.i64()), b.i32()), b.constant(integers, quadrantShift));
  Value z = b.mul(r, r);
  Value sine = polynomial(b, z, {-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1});
  sine = b.fma(b.mul(sine, z), r, r);
  Value cosine = polynomial(b, z, {2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2});
  cosine = b.fma(b.mul(cosine, z), z, b.fma(z, b.constant(type, -0.5), b.constant(type, 1)));
  Value one = b.constant(integers, 1);
  Value odd = b.compare(CmpIPredicate::eq, b.bitAnd(quadrant, one), one);
  Value sign = b.shiftLeft(b.bitAnd(quadrant, b.constant(integers, 2)), 30);
  Value result = b.bitcast(b.bitXor(b.bitcast(b.select(odd, cosine, sine), b.i32()), sign), b.f32());
  // From 2^50 on the nearest multiple of pi/2 is no f64: NaN, also for infinity, rather than noise.
  Value reducible = b.compare(CmpFPredicate::OLT, b.abs(x), b.constant(type, 0x1p50));
  return b.select(reducible, result, b.constant(type, std::numeric_limits<double>::quiet_NaN()));
}

} // namespace

Value emitExp(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Value limited = limit(b, x, -104.0, 89.0);
  auto [n, integer] = roundSmall(b, b.mul(limited, b.constant(type, std::numbers::log2e)));
  Value r = b.fma(n, b.constant(type, -0.693359375), limited);
  r = b.fma(n, b.constant(type, 2.12194440e-4), r);
  Value p = polynomial(
      b, r,
      {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  p = b.add(b.fma(b.mul(r, r), p, r), b.constant(type, 1));
  // Two factors, because 2^n itself may be out of range: n is in [-150, 128].
  Value half = b.shiftRightSigned(integer, 1);
  return b.mul(b.mul(p, powerOfTwo(b, half)), powerOfTwo(b, b.sub(integer, half)));
}

Value emitLog(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Type integers = b.withElement(type, b.i32());
  Value small = b.compare(CmpFPredicate::OLT, x, b.constant(type, 0x1p-126));
  Value scaled = b.select(small, b.mul(x, b.constant(type, 0x1p23)), x);
  Value bits = b.bitcast(scaled, b.i32());
  Value shifted = b.sub(bits, b.bits(integers, 0x3f3504f3u)); // bits of sqrt(1/2)
  Value exponent = b.shiftRightSigned(shifted, 23);
  Value mantissa = b.bitcast(b.sub(bits, b.shiftLeft(exponent, 23)), b.f32());
  Value e = b.convert(exponent, b.f32());
  e = b.select(small, b.sub(e, b.constant(type, 23)), e);
  Value f = b.sub(mantissa, b.constant(type, 1));
  Value z = b.mul(f, f);
  Value p = polynomial(b, f,
                       {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  p = b.mul(b.mul(p, f), z);
  p = b.fma(e, b.constant(type, -2.12194440e-4), p);
  p = b.fma(z, b.constant(type, -0.5), p);
  Value result = b.fma(e, b.constant(type, 0.693359375), b.add(f, p));
  Value zero = b.constant(type, 0), infinity = b.constant(type, kInfinity);
  result = b.select(b.compare(CmpFPredicate::OEQ, x, zero), b.constant(type, -kInfinity), result);
  result = b.select(b.compare(CmpFPredicate::OEQ, x, infinity), infinity, result);
  Value invalid = b.compare(CmpFPredicate::ULT, x, zero); // negative or NaN
  return b.select(invalid, b.constant(type, std::numeric_limits<double>::quiet_NaN()), result);
}

Value emitExpm1(LaneBuilder& b, Value x) {
  // Kahan: (u - 1) * x / log(u) with u = e^x cancels the rounding error of u.
  Type type = x.getType();
  Value one = b.constant(type, 1), minusOne = b.constant(type, -1);
  Value u = emitExp(b, x);
  Value difference = b.sub(u, one);
  Value corrected = b.div(b.mul(difference, x), emitLog(b, u));
  Value result = b.select(b.compare(CmpFPredicate::OEQ, u, one), x, corrected);
  result = b.select(b.compare(CmpFPredicate::OEQ, difference, minusOne), minusOne, result);
  Value large = b.compare(CmpFPredicate::OGT, b.abs(x), b.constant(type, 20)); // includes infinite u
  return b.select(large, difference, result);
}

Value emitLog1p(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Value one = b.constant(type, 1);
  Value u = b.add(x, one);
  Value difference = b.sub(u, one);
  Value logarithm = emitLog(b, u);
  Value result = b.div(b.mul(logarithm, x), difference);
  result = b.select(b.compare(CmpFPredicate::OEQ, difference, b.constant(type, 0)), x, result);
  Value large = b.compare(CmpFPredicate::OGT, x, b.constant(type, 1e8)); // includes infinity
  result = b.select(large, logarithm, result);
  return b.select(b.compare(CmpFPredicate::OEQ, x, b.constant(type, -1)), b.constant(type, -kInfinity),
                  result);
}

Value emitTanh(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Value magnitude = b.abs(x);
  Value z = b.mul(x, x);
  Value small = polynomial(
      b, z, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
  small = b.fma(b.mul(small, z), x, x);
  Value e = emitExp(b, b.add(magnitude, magnitude));
  Value large = b.sub(b.constant(type, 1), b.div(b.constant(type, 2), b.add(e, b.constant(type, 1))));
  Value isSmall = b.compare(CmpFPredicate::OLT, magnitude, b.constant(type, 0.625));
  return b.select(isSmall, small, copySign(b, large, x));
}

Value emitSigmoid(LaneBuilder& b, Value x) {
  Value one = b.constant(x.getType(), 1);
  return b.div(one, b.add(one, emitExp(b, b.neg(x))));
}

Value emitErf(LaneBuilder& b, Value x) {
  Type type = x.getType();
  Value t = b.abs(x), s = b.mul(x, x);
  auto c = [&](double value) { return b.constant(type, value); };
  Value r = b.fma(c(-1.72853470e-5), t, c(3.83197126e-4));
  Value u = b.fma(c(-3.88396438e-3), t, c(2.42546219e-2));
  r = b.fma(r, s, u);
  r = b.fma(r, t, c(-1.06777877e-1));
  r = b.fma(r, t, c(-6.34846687e-1));
  r = b.fma(r, t, c(-1.28717512e-1));
  r = b.fma(r, t, b.neg(t));
  Value large = copySign(b, b.sub(c(1), emitExp(b, r)), x);
  Value p = polynomial(
      b, s, {-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1});
  Value small = b.fma(p, x, x);
  // Beyond 4 the fit overflows to NaN for infinite x; erf is 1 there.
  large = b.select(b.compare(CmpFPredicate::OGT, t, c(4)), copySign(b, c(1), x), large);
  return b.select(b.compare(CmpFPredicate::OGT, t, c(0.927734375)), large, small);
}

Value emitSin(LaneBuilder& b, Value x) {
  return emitSinusoid(b, x, 0);
}
Value emitCos(LaneBuilder& b, Value x) {
  return emitSinusoid(b, x, 1);
}

Value emitPow(LaneBuilder& b, Value base, Value exponent) {
  Type type = base.getType();
  Type f64 = b.builder().getF64Type();
  auto c = [&](double value) { return b.constant(type, value); };
  Value magnitude = b.abs(base);
  Value infinite = b.compare(CmpFPredicate::OEQ, magnitude, c(kInfinity));
  Value zeroBase = b.compare(CmpFPredicate::OEQ, base, c(0));
  // |base| ^ exponent for ordinary numbers, in f64 so that the logarithm's error does not grow with the
  // exponent.
  Value ordinary = b.select(b.bitOr(infinite, zeroBase), c(1), magnitude);
  Value product = b.mul(b.convert(exponent, f64), logWide(b, b.convert(ordinary, f64)));
  Type wide = product.getType();
  Value lo = b.constant(wide, -150.0), hi = b.constant(wide, 150.0);
  product = b.select(b.compare(CmpFPredicate::OLT, product, lo), lo, product);
  product = b.select(b.compare(CmpFPredicate::OGT, product, hi), hi, product);
  Value result = b.convert(expWide(b, product), b.f32());
  Value exponentPositive = b.compare(CmpFPredicate::OGT, exponent, c(0));
  result = b.select(zeroBase, b.select(exponentPositive, c(0), c(kInfinity)), result);
  result = b.select(infinite, b.select(exponentPositive, c(kInfinity), c(0)), result);
  // Also with an infinite exponent, whose product with log(1) is NaN.
  result = b.select(b.compare(CmpFPredicate::OEQ, magnitude, c(1)), c(1), result);
  // A negative base needs an integral exponent; an odd one keeps the sign.
  Value limited = limit(b, exponent, -16777216.0, 16777216.0);
  Value integer = b.convert(limited, b.i32());
  Value integral = b.compare(CmpFPredicate::OEQ, b.convert(integer, b.f32()), limited);
  Value one = b.constant(integer.getType(), 1);
  Value odd = b.bitAnd(b.compare(CmpIPredicate::eq, b.bitAnd(integer, one), one), integral);
  Value below = b.compare(CmpFPredicate::OLT, exponent, c(-16777216.0));
  Value above = b.compare(CmpFPredicate::OGT, exponent, c(16777216.0));
  odd = b.select(b.bitOr(below, above), b.constant(odd.getType(), 0), odd); // so large numbers are even
  Value negative = b.compare(CmpIPredicate::slt, b.bitcast(base, b.i32()), b.constant(integer.getType(), 0));
  result = b.select(b.bitAnd(negative, odd), b.neg(result), result);
  Value undefined = b.bitAnd(b.compare(CmpFPredicate::OLT, base, c(0)),
                             b.compare(CmpIPredicate::eq, integral, b.constant(integral.getType(), 0)));
  undefined = b.select(infinite, b.constant(undefined.getType(), 0), undefined);
  Value nan = c(std::numeric_limits<double>::quiet_NaN());
  result = b.select(b.bitOr(undefined, b.bitOr(isNan(b, base), isNan(b, exponent))), nan, result);
  result = b.select(b.compare(CmpFPredicate::OEQ, base, c(1)), c(1), result); // whatever the exponent
  return b.select(b.compare(CmpFPredicate::OEQ, exponent, c(0)), c(1), result);
}

Value emitOneMinusPower(LaneBuilder& b, Value base, Value exponent) {
  Type f64 = b.builder().getF64Type();
  Value zero = b.compare(CmpFPredicate::OEQ, base, b.zeroLike(base));
  Value safe = b.convert(b.select(zero, b.constant(base.getType(), 1), base), f64);
  Value product = b.mul(b.convert(exponent, f64), logWide(b, safe));
  Value low = b.constant(product.getType(), -700.0);
  product = b.select(b.compare(CmpFPredicate::OLT, product, low), low, product);
  Value rest = b.convert(b.sub(b.constant(product.getType(), 1), expWide(b, product)), b.f32());
  return b.select(zero, b.constant(base.getType(), 1), rest);
}

Value emitSoftplusRest(LaneBuilder& b, Value x) {
  return emitLog1p(b, emitExp(b, b.neg(b.abs(x))));
}

} // namespace tailor::backend
