#pragma once

#include "backend/reference/Tensor.h"

/// Ops that compute each element from the elements at the same place. Operands of one op have equal shapes:
/// the dialect broadcasts explicitly.
namespace tailor::backend::reference {

using RealFunction = double (*)(double);
using RealFunction2 = double (*)(double, double);
using IntegerFunction = int64_t (*)(int64_t);
using IntegerFunction2 = int64_t (*)(int64_t, int64_t);

/// y[i] = f(x[i]); the element type is kept. `integerFunction` serves integer tensors and may be null when
/// the dialect does not admit them.
[[nodiscard]] Tensor map(const Tensor& x, RealFunction function, IntegerFunction integerFunction = nullptr);
/// y[i] = f(a[i], b[i]); the element type of `a` is kept.
[[nodiscard]] Tensor map2(const Tensor& a, const Tensor& b, RealFunction2 function,
                          IntegerFunction2 integerFunction = nullptr);

/// The functions that the standard library does not have under their name.
namespace scalar {
[[nodiscard]] double rsqrt(double x);      ///< 1 / sqrt(x)
[[nodiscard]] double reciprocal(double x); ///< 1 / x
[[nodiscard]] double square(double x);     ///< x^2
[[nodiscard]] double sigmoid(double x);    ///< 1 / (1 + e^-x), without overflow for any x
[[nodiscard]] double relu(double x);       ///< max(x, 0); NaN stays NaN
[[nodiscard]] double gelu(double x);       ///< x * Phi(x) = x / 2 * (1 + erf(x / sqrt 2))
/// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
[[nodiscard]] double geluTanh(double x);
[[nodiscard]] double silu(double x);              ///< x * sigmoid(x)
[[nodiscard]] double sign(double x);              ///< -1, 0 or 1; NaN stays NaN
[[nodiscard]] double softplus(double x);          ///< log(1 + e^x), without overflow for any x
[[nodiscard]] double maximum(double a, double b); ///< NaN if either is NaN
[[nodiscard]] double minimum(double a, double b); ///< NaN if either is NaN
/// Integer arithmetic wraps modulo 2^64 (results are then kept to the declared width by `wrap`). Division
/// truncates towards zero; division by zero is 0, as a total function is what an oracle needs.
[[nodiscard]] int64_t divide(int64_t a, int64_t b);
} // namespace scalar

enum class Comparison : uint8_t { eq, ne, lt, le, gt, ge };
/// i1: a ? b by the comparison; with a NaN only `ne` holds.
[[nodiscard]] Tensor compare(const Tensor& a, const Tensor& b, Comparison comparison);
/// y[i] = condition[i] ? a[i] : b[i]
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x / (1 - rate) where the mask is true, else 0.
[[nodiscard]] Tensor dropout(const Tensor& x, const Tensor& mask, double rate);
/// y[i] = min(max(x[i], low), high); NaN stays NaN.
[[nodiscard]] Tensor clamp(const Tensor& x, double low, double high);
/// i1: neither infinite nor NaN.
[[nodiscard]] Tensor isFinite(const Tensor& x);
[[nodiscard]] Tensor logicalNot(const Tensor& x);

/// Between element types: real to real keeps the double; real to integer truncates towards zero and saturates
/// (NaN is 0); to i1 is "not equal to zero"; integer to a narrower integer wraps.
[[nodiscard]] Tensor cast(const Tensor& x, Element element);
/// Keeps an integer tensor to the range of its element type (two's complement); real tensors pass unchanged.
[[nodiscard]] Tensor wrap(Tensor x);

} // namespace tailor::backend::reference
