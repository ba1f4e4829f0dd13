#pragma once

#include "frontend/graph/array.h"

#include <initializer_list>
#include <string>
#include <vector>

/// What op builders share: operands with a type, axes in range, messages in one voice.
namespace tailor::detail {

/// The array behind an operand; a number becomes an f32 constant.
Array value_of(const Operand& operand);
/// The same, with the type of `like` for a number.
Array value_like(std::string_view op, const Operand& operand, const Array& like);

/// TraceError unless `value` is an element of `dtype`: integers hold whole numbers of their range, i1 holds 0 and
/// 1, floating-point types what rounding brings into their range (NaN and infinities as they are).
void require_representable(std::string_view op, double value, DType dtype, const Location& location);

/// Both operands with one element type and one shape (numbers take the other's type; broadcast nodes are
/// recorded).
struct Pair {
  Array a, b;
};
Pair broadcast_pair(std::string_view op, const Operand& a, const Operand& b);
/// x repeated to `shape`, which must be a numpy broadcast of x's.
Array broadcast(const Array& x, const Shape& shape, const Location& location);

/// An axis in [0, rank). TraceError otherwise.
int axis_of(std::string_view op, const Array& x, int axis, const Location& location);
/// Distinct axes in increasing order.
std::vector<std::int64_t> axes_of(std::string_view op, const Array& x, const Axes& axes,
                                  const Location& location);

/// TraceErrors, with the operand's type in the message.
void require_float(std::string_view op, const Array& x, const Location& location);
void require_rank(std::string_view op, std::string_view what, const Array& x, int rank,
                  const Location& location);
void require_type(std::string_view op, std::string_view what, const Array& x, const TensorType& type,
                  const Location& location);
/// "rho must be in [0, 1], not 2"; with a `high` that no double is above "must be a number of at least 0".
void require_between(std::string_view op, std::string_view what, double value, double low, double high,
                     const Location& location);
[[noreturn]] void fail(std::string_view op, const std::string& message, const Location& location,
                       const std::string& hint = "");

} // namespace tailor::detail
