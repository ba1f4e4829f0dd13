#include "backend/reference/Elementwise.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace tailor::backend::reference {

Tensor map(const Tensor& x, RealFunction function, IntegerFunction integerFunction) {
  Tensor y(x.element(), x.shape());
  for (int64_t i = 0; i < x.size(); ++i) {
    if (x.isReal())
      y.reals()[i] = function(x.reals()[i]);
    else
      y.integers()[i] = integerFunction(x.integers()[i]);
  }
  return wrap(std::move(y));
}

Tensor map2(const Tensor& a, const Tensor& b, RealFunction2 function, IntegerFunction2 integerFunction) {
  assert(a.shape() == b.shape() && a.isReal() == b.isReal());
  Tensor y(a.element(), a.shape());
  for (int64_t i = 0; i < a.size(); ++i) {
    if (a.isReal())
      y.reals()[i] = function(a.reals()[i], b.reals()[i]);
    else
      y.integers()[i] = integerFunction(a.integers()[i], b.integers()[i]);
  }
  return wrap(std::move(y));
}

namespace scalar {

double rsqrt(double x) {
  return 1.0 / std::sqrt(x);
}
double reciprocal(double x) {
  return 1.0 / x;
}
double square(double x) {
  return x * x;
}

double sigmoid(double x) {
  if (x >= 0) return 1.0 / (1.0 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1.0 + e);
}

double relu(double x) {
  return x <= 0 ? 0.0 : x;
}
double gelu(double x) {
  return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}
double geluTanh(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
double silu(double x) {
  return x * sigmoid(x);
}
double sign(double x) {
  return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
}
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

double maximum(double a, double b) {
  return std::isnan(a) ? a : std::isnan(b) ? b : std::max(a, b);
}
double minimum(double a, double b) {
  return std::isnan(a) ? a : std::isnan(b) ? b : std::min(a, b);
}

int64_t divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a)); // the minimum has no positive twin
  return a / b;
}

} // namespace scalar

namespace {

template <typename T> bool holds(T a, T b, Comparison comparison) {
  switch (comparison) {
  case Comparison::eq:
    return a == b;
  case Comparison::ne:
    return a != b;
  case Comparison::lt:
    return a < b;
  case Comparison::le:
    return a <= b;
  case Comparison::gt:
    return a > b;
  case Comparison::ge:
    return a >= b;
  }
  return false;
}

} // namespace

Tensor compare(const Tensor& a, const Tensor& b, Comparison comparison) {
  assert(a.shape() == b.shape() && a.isReal() == b.isReal());
  Tensor y(Element::i1, a.shape());
  for (int64_t i = 0; i < a.size(); ++i)
    y.integers()[i] = a.isReal() ? holds(a.reals()[i], b.reals()[i], comparison)
                                 : holds(a.integers()[i], b.integers()[i], comparison);
  return y;
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  assert(condition.shape() == a.shape() && a.shape() == b.shape());
  Tensor y(a.element(), a.shape());
  for (int64_t i = 0; i < a.size(); ++i)
    y.copyFrom(i, condition.integerAt(i) ? a : b, i);
  return y;
}

Tensor dropout(const Tensor& x, const Tensor& mask, double rate) {
  Tensor y(x.element(), x.shape());
  for (int64_t i = 0; i < x.size(); ++i)
    y.reals()[i] = mask.integers()[i] ? x.reals()[i] / (1.0 - rate) : 0.0;
  return y;
}

Tensor clamp(const Tensor& x, double low, double high) {
  Tensor y = x;
  for (int64_t i = 0; i < x.size(); ++i) {
    const double value = x.at(i);
    if (value < low) y.set(i, low);
    if (value > high) y.set(i, high);
  }
  return y;
}

Tensor isFinite(const Tensor& x) {
  Tensor y(Element::i1, x.shape());
  for (int64_t i = 0; i < x.size(); ++i)
    y.integers()[i] = std::isfinite(x.at(i));
  return y;
}

Tensor logicalNot(const Tensor& x) {
  Tensor y(Element::i1, x.shape());
  for (int64_t i = 0; i < x.size(); ++i)
    y.integers()[i] = x.integers()[i] == 0;
  return y;
}

namespace {

int64_t saturate(double value, Element element) {
  if (std::isnan(value)) return 0;
  const double low = element == Element::i32 ? -0x1p31 : -0x1p63;
  if (value <= low) return static_cast<int64_t>(low);
  if (value >= -low) return element == Element::i32 ? INT32_MAX : INT64_MAX;
  return static_cast<int64_t>(value);
}

} // namespace

Tensor cast(const Tensor& x, Element element) {
  assert((element != Element::u8 || x.element() == Element::u8) && "nothing becomes bytes");
  Tensor y(element, x.shape());
  for (int64_t i = 0; i < x.size(); ++i) {
    if (y.isReal())
      y.reals()[i] = x.at(i);
    else if (element == Element::i1)
      y.integers()[i] = x.isReal() ? x.reals()[i] != 0 : x.integers()[i] != 0;
    else
      y.integers()[i] = x.isReal() ? saturate(x.reals()[i], element) : x.integers()[i];
  }
  return wrap(std::move(y));
}

Tensor wrap(Tensor x) {
  if (x.element() == Element::i32)
    for (int64_t& value : x.integers())
      value = static_cast<int32_t>(static_cast<uint32_t>(value));
  if (x.element() == Element::i1)
    for (int64_t& value : x.integers())
      value &= 1;
  return x;
}

} // namespace tailor::backend::reference
