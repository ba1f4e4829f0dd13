#pragma once

#include "frontend/graph/array.h"

/// Elementwise ops. Binary ones broadcast like numpy and record the broadcast as its own node; both operands
/// must have one element type. A number takes the other operand's, and must be one of its values: i32 * 0.5 is
/// refused, not rounded. TraceError when shapes do not broadcast or types differ.
namespace tailor {

Array neg(const Operand& x);
Array abs(const Operand& x);
Array exp(const Operand& x);
Array log(const Operand& x);
Array log1p(const Operand& x);
Array expm1(const Operand& x);
Array sqrt(const Operand& x);
Array rsqrt(const Operand& x);
Array reciprocal(const Operand& x);
Array square(const Operand& x);
Array tanh(const Operand& x);
Array sigmoid(const Operand& x);
Array erf(const Operand& x);
Array relu(const Operand& x);
Array gelu(const Operand& x); ///< exact: x/2 (1 + erf(x / sqrt 2))
Array silu(const Operand& x); ///< x sigmoid(x)
Array sin(const Operand& x);
Array cos(const Operand& x);
Array sign(const Operand& x);
Array logical_not(const Operand& x); ///< i1 -> i1
Array is_finite(const Operand& x);   ///< float -> i1

Array add(const Operand& a, const Operand& b);
Array subtract(const Operand& a, const Operand& b);
Array multiply(const Operand& a, const Operand& b);
Array divide(const Operand& a, const Operand& b);
Array maximum(const Operand& a, const Operand& b);
Array minimum(const Operand& a, const Operand& b);
Array pow(const Operand& a, const Operand& b);
Array logical_and(const Operand& a, const Operand& b); ///< i1
Array logical_or(const Operand& a, const Operand& b);  ///< i1

Array compare(const Operand& a, const Operand& b, Comparison comparison); ///< -> i1
/// condition ? a : b, element by element.
Array where(const Operand& condition, const Operand& a, const Operand& b);
/// min(max(x, low), high).
Array clamp(const Operand& x, double low, double high);
Array cast(const Operand& x, DType dtype);

/// No gradient flows to x.
Array stop_gradient(const Operand& x);

/// One value, or row-major values of `shape`. TraceError for a value the type does not hold (1.5 as i32).
Array constant(double value, DType dtype = DType::f32,
               const std::source_location& where = std::source_location::current());
Array full(const Shape& shape, double value, DType dtype = DType::f32,
           const std::source_location& where = std::source_location::current());
Array array(const std::vector<double>& values, const Shape& shape, DType dtype = DType::f32,
            const std::source_location& where = std::source_location::current());
Array zeros_like(const Operand& x);
Array ones_like(const Operand& x);

Array operator-(const Operand& x);
Array operator+(const Operand& a, const Operand& b);
Array operator-(const Operand& a, const Operand& b);
Array operator*(const Operand& a, const Operand& b);
Array operator/(const Operand& a, const Operand& b);
Array operator<(const Operand& a, const Operand& b);
Array operator<=(const Operand& a, const Operand& b);
Array operator>(const Operand& a, const Operand& b);
Array operator>=(const Operand& a, const Operand& b);
Array operator==(const Operand& a, const Operand& b);
Array operator!=(const Operand& a, const Operand& b);
Array operator&&(const Operand& a, const Operand& b);
Array operator||(const Operand& a, const Operand& b);
Array operator!(const Operand& x);

} // namespace tailor
