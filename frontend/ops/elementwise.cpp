#include "frontend/ops/elementwise.h"

#include "frontend/ops/checks.h"

namespace tailor {

namespace {

using namespace detail;

Array number_op(std::string_view op, const Operand& x) {
  Array value = value_of(x);
  if (!is_number(value.dtype())) fail(op, "expects numbers, not " + to_string(value.type()), x.location());
  return record1(op, {value}, NoOptions{}, value.type(), x.location());
}

Array float_op(std::string_view op, const Operand& x) {
  Array value = value_of(x);
  require_float(op, value, x.location());
  return record1(op, {value}, NoOptions{}, value.type(), x.location());
}

enum class Operands { numbers, floats, booleans };

Array binary(std::string_view op, const Operand& a, const Operand& b, Operands kind = Operands::numbers) {
  Pair pair = broadcast_pair(op, a, b);
  bool boolean = pair.a.dtype() == DType::i1;
  if (boolean != (kind == Operands::booleans) || pair.a.dtype() == DType::u8)
    fail(op, std::string("expects ") + (boolean ? "numbers" : "i1") + ", not " + to_string(pair.a.type()),
         a.location());
  if (kind == Operands::floats) require_float(op, pair.a, a.location());
  return record1(op, {pair.a, pair.b}, NoOptions{}, pair.a.type(), a.location());
}

} // namespace

Array neg(const Operand& x) {
  return number_op("neg", x);
}
Array abs(const Operand& x) {
  return number_op("abs", x);
}
Array sign(const Operand& x) {
  return number_op("sign", x);
}
Array square(const Operand& x) {
  return number_op("square", x);
}
Array exp(const Operand& x) {
  return float_op("exp", x);
}
Array log(const Operand& x) {
  return float_op("log", x);
}
Array log1p(const Operand& x) {
  return float_op("log1p", x);
}
Array expm1(const Operand& x) {
  return float_op("expm1", x);
}
Array sqrt(const Operand& x) {
  return float_op("sqrt", x);
}
Array rsqrt(const Operand& x) {
  return float_op("rsqrt", x);
}
Array reciprocal(const Operand& x) {
  return float_op("reciprocal", x);
}
Array tanh(const Operand& x) {
  return float_op("tanh", x);
}
Array sigmoid(const Operand& x) {
  return float_op("sigmoid", x);
}
Array erf(const Operand& x) {
  return float_op("erf", x);
}
Array relu(const Operand& x) {
  return float_op("relu", x);
}
Array gelu(const Operand& x) {
  return float_op("gelu", x);
}
Array silu(const Operand& x) {
  return float_op("silu", x);
}
Array sin(const Operand& x) {
  return float_op("sin", x);
}
Array cos(const Operand& x) {
  return float_op("cos", x);
}

Array logical_not(const Operand& x) {
  Array value = value_of(x);
  if (value.dtype() != DType::i1)
    fail("logical_not", "expects i1, not " + to_string(value.type()), x.location());
  return record1("logical_not", {value}, NoOptions{}, value.type(), x.location());
}

Array is_finite(const Operand& x) {
  Array value = value_of(x);
  require_float("is_finite", value, x.location());
  return record1("is_finite", {value}, NoOptions{}, {DType::i1, value.shape()}, x.location());
}

Array add(const Operand& a, const Operand& b) {
  return binary("add", a, b);
}
Array subtract(const Operand& a, const Operand& b) {
  return binary("sub", a, b);
}
Array multiply(const Operand& a, const Operand& b) {
  return binary("mul", a, b);
}
Array divide(const Operand& a, const Operand& b) {
  return binary("div", a, b);
}
Array maximum(const Operand& a, const Operand& b) {
  return binary("max", a, b);
}
Array minimum(const Operand& a, const Operand& b) {
  return binary("min", a, b);
}
Array pow(const Operand& a, const Operand& b) {
  return binary("pow", a, b, Operands::floats);
}
Array logical_and(const Operand& a, const Operand& b) {
  return binary("logical_and", a, b, Operands::booleans);
}
Array logical_or(const Operand& a, const Operand& b) {
  return binary("logical_or", a, b, Operands::booleans);
}

Array compare(const Operand& a, const Operand& b, Comparison comparison) {
  Pair pair = broadcast_pair("compare", a, b);
  if (!is_number(pair.a.dtype()))
    fail("compare", "expects numbers, not " + to_string(pair.a.type()), a.location());
  return record1("compare", {pair.a, pair.b}, CompareOptions{comparison}, {DType::i1, pair.a.shape()},
                 a.location());
}

Array where(const Operand& condition, const Operand& a, const Operand& b) {
  Array mask = value_of(condition);
  const Location& location = condition.location();
  if (mask.dtype() != DType::i1)
    fail("where", "the condition must be i1, not " + to_string(mask.type()), location);
  Pair pair = broadcast_pair("where", a, b);
  Shape shape;
  if (!broadcast_shapes(mask.shape(), pair.a.shape(), shape))
    fail("where",
         "condition " + to_string(mask.shape()) + " and values " + to_string(pair.a.shape()) +
             " do not broadcast",
         location);
  return record1("where",
                 {broadcast(mask, shape, location), broadcast(pair.a, shape, location),
                  broadcast(pair.b, shape, location)},
                 NoOptions{}, {pair.a.dtype(), shape}, location);
}

Array clamp(const Operand& x, double low, double high) {
  Array value = value_of(x);
  require_float("clamp", value, x.location());
  if (!(low <= high))
    fail("clamp", "the range [" + std::to_string(low) + ", " + std::to_string(high) + "] is empty",
         x.location());
  return record1("clamp", {value}, ClampOptions{low, high}, value.type(), x.location());
}

Array cast(const Operand& x, DType dtype) {
  Array value = value_of(x);
  if (value.dtype() == dtype) return value;
  if (dtype == DType::u8) fail("cast", "nothing becomes u8: images are the only bytes", x.location());
  return record1("cast", {value}, NoOptions{}, {dtype, value.shape()}, x.location());
}

Array stop_gradient(const Operand& x) {
  Array value = value_of(x);
  return record1("stop_gradient", {value}, NoOptions{}, value.type(), x.location());
}

Array constant(double value, DType dtype, const std::source_location& where) {
  return full({}, value, dtype, where);
}

Array full(const Shape& shape, double value, DType dtype, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  require_representable("full", value, dtype, location);
  return record1("constant", {}, ConstantOptions{{value}}, {dtype, shape}, location);
}

Array array(const std::vector<double>& values, const Shape& shape, DType dtype,
            const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (static_cast<std::int64_t>(values.size()) != shape.num_elements())
    fail("array",
         std::to_string(values.size()) + " values do not fill " + to_string(shape) + " with " +
             std::to_string(shape.num_elements()) + " elements",
         location);
  for (double value : values)
    require_representable("array", value, dtype, location);
  return record1("constant", {}, ConstantOptions{values}, {dtype, shape}, location);
}

Array zeros_like(const Operand& x) {
  Array value = value_of(x);
  return record1("constant", {}, ConstantOptions{{0.0}}, value.type(), x.location());
}

Array ones_like(const Operand& x) {
  Array value = value_of(x);
  return record1("constant", {}, ConstantOptions{{1.0}}, value.type(), x.location());
}

Array operator-(const Operand& x) {
  return neg(x);
}
Array operator+(const Operand& a, const Operand& b) {
  return add(a, b);
}
Array operator-(const Operand& a, const Operand& b) {
  return subtract(a, b);
}
Array operator*(const Operand& a, const Operand& b) {
  return multiply(a, b);
}
Array operator/(const Operand& a, const Operand& b) {
  return divide(a, b);
}
Array operator<(const Operand& a, const Operand& b) {
  return compare(a, b, Comparison::lt);
}
Array operator<=(const Operand& a, const Operand& b) {
  return compare(a, b, Comparison::le);
}
Array operator>(const Operand& a, const Operand& b) {
  return compare(a, b, Comparison::gt);
}
Array operator>=(const Operand& a, const Operand& b) {
  return compare(a, b, Comparison::ge);
}
Array operator==(const Operand& a, const Operand& b) {
  return compare(a, b, Comparison::eq);
}
Array operator!=(const Operand& a, const Operand& b) {
  return compare(a, b, Comparison::ne);
}
Array operator&&(const Operand& a, const Operand& b) {
  return logical_and(a, b);
}
Array operator||(const Operand& a, const Operand& b) {
  return logical_or(a, b);
}
Array operator!(const Operand& x) {
  return logical_not(x);
}

} // namespace tailor
