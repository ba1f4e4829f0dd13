#include "frontend/ops/checks.h"

#include "runtime/base/status.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tailor::detail {

namespace {

Array literal(std::string_view op, double value, DType dtype, const Location& location) {
  require_representable(op, value, dtype, location);
  return record1("constant", {}, ConstantOptions{{value}}, {dtype, {}}, location);
}

/// Names the real problem (an empty array, a field the batch does not have, a value of a body that has ended) before
/// shapes are looked at.
const Array& usable(std::string_view op, const Operand& operand) {
  require_usable(op, {operand.array()}, operand.location());
  return operand.array();
}

} // namespace

void require_between(std::string_view op, std::string_view what, double value, double low, double high,
                     const Location& location) {
  if (value >= low && value <= high) return;
  fail(op,
       high == std::numeric_limits<double>::max()
           ? runtime::concat(what, " must be a number of at least ", low, ", not ", value)
           : runtime::concat(what, " must be in [", low, ", ", high, "], not ", value),
       location);
}

void fail(std::string_view op, const std::string& message, const Location& location,
          const std::string& hint) {
  throw TraceError(std::string(op), message, location, hint);
}

Array value_of(const Operand& operand) {
  return operand.is_literal() ? literal("operand", operand.literal(), DType::f32, operand.location())
                              : usable("operand", operand);
}

void require_representable(std::string_view op, double value, DType dtype, const Location& location) {
  const auto within = [&](double low, double high) { return value >= low && value <= high; };
  bool fits = true;
  switch (dtype) {
  case DType::f32:
    fits = !std::isfinite(value) || std::isfinite(static_cast<float>(value));
    break;
  case DType::bf16: // the exponents of f32, rounded to 8 bits
    fits = !std::isfinite(value) || within(-0x1.ffp127, 0x1.ffp127);
    break;
  case DType::f64:
    break;
  case DType::i32:
    fits = std::trunc(value) == value && within(-0x1p31, 0x1p31 - 1);
    break;
  case DType::i64: // 2^63 itself is one too many
    fits = std::trunc(value) == value && within(-0x1p63, std::nextafter(0x1p63, 0));
    break;
  case DType::i1:
    fits = value == 0 || value == 1;
    break;
  case DType::u8: // images are the only bytes
    fits = false;
    break;
  }
  if (!fits)
    fail(op, runtime::concat(value, " is no ", to_string(dtype)), location,
         is_float(dtype) ? "" : "numbers take the type of the array they meet: cast(x, DType::f32) first");
}

Array value_like(std::string_view op, const Operand& operand, const Array& like) {
  return operand.is_literal() ? literal(op, operand.literal(), like.dtype(), operand.location())
                              : usable(op, operand);
}

Array broadcast(const Array& x, const Shape& shape, const Location& location) {
  if (x.shape() == shape) return x;
  std::vector<std::int64_t> dims;
  for (int axis = 0; axis < x.rank(); ++axis)
    dims.push_back(axis + shape.rank() - x.rank());
  return record1("broadcast", {x}, DimsOptions{std::move(dims)}, {x.dtype(), shape}, location);
}

Pair broadcast_pair(std::string_view op, const Operand& a, const Operand& b) {
  Array left =
      a.is_literal() ? (b.is_literal() ? value_of(a) : value_like(op, a, usable(op, b))) : usable(op, a);
  Array right = b.is_literal() ? value_like(op, b, left) : usable(op, b);
  const Location& location = a.location();
  if (left.dtype() != right.dtype())
    fail(op, "operands are " + to_string(left.type()) + " and " + to_string(right.type()), location,
         "convert one with cast(x, DType::" + std::string(to_string(left.dtype())) + ")");
  Shape shape;
  if (!broadcast_shapes(left.shape(), right.shape(), shape))
    fail(op, "shapes " + to_string(left.shape()) + " and " + to_string(right.shape()) + " do not broadcast",
         location);
  return {broadcast(left, shape, location), broadcast(right, shape, location)};
}

int axis_of(std::string_view op, const Array& x, int axis, const Location& location) {
  int wrapped = axis < 0 ? axis + x.rank() : axis;
  if (wrapped < 0 || wrapped >= x.rank())
    fail(op, "axis " + std::to_string(axis) + " is outside " + to_string(x.type()), location);
  return wrapped;
}

std::vector<std::int64_t> axes_of(std::string_view op, const Array& x, const Axes& axes,
                                  const Location& location) {
  std::vector<std::int64_t> result;
  for (int axis : axes.values())
    result.push_back(axis_of(op, x, axis, location));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    fail(op, "an axis of " + to_string(x.type()) + " is given twice", location);
  return result;
}

void require_float(std::string_view op, const Array& x, const Location& location) {
  if (!is_float(x.dtype()))
    fail(op, "expects a floating-point operand, not " + to_string(x.type()), location,
         "convert it with cast(x, DType::f32)");
}

void require_rank(std::string_view op, std::string_view what, const Array& x, int rank,
                  const Location& location) {
  if (x.rank() != rank)
    fail(op, std::string(what) + " must have rank " + std::to_string(rank) + ", not " + to_string(x.type()),
         location);
}

void require_type(std::string_view op, std::string_view what, const Array& x, const TensorType& type,
                  const Location& location) {
  if (!(x.type() == type))
    fail(op, std::string(what) + " must be " + to_string(type) + ", not " + to_string(x.type()), location);
}

} // namespace tailor::detail
