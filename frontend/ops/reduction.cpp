#include "frontend/ops/reduction.h"

#include "frontend/graph/batch_rows.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/padding.h"
#include "frontend/ops/shaping.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tailor {

namespace {

using namespace detail;

std::vector<int> all_axes(const Array& x) {
  std::vector<int> axes(static_cast<std::size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

/// The smallest and the largest number of a type: what leaves a maximum and a minimum to the others.
double lowest(DType dtype) {
  if (is_float(dtype)) return -std::numeric_limits<double>::infinity();
  return dtype == DType::i32 ? -0x1p31 : -0x1p63;
}
double highest(DType dtype) {
  if (is_float(dtype)) return std::numeric_limits<double>::infinity();
  return dtype == DType::i32 ? 0x1p31 - 1 : std::nextafter(0x1p63, 0);
}

Array reduced(std::string_view op, const Array& value, const std::vector<std::int64_t>& dims,
              const Location& location) {
  if (dims.empty()) return value;
  std::vector<std::int64_t> extents;
  for (int axis = 0; axis < value.rank(); ++axis)
    if (!std::binary_search(dims.begin(), dims.end(), axis)) extents.push_back(value.shape()[axis]);
  return record1(op, {value}, DimsOptions{dims}, {value.dtype(), Shape(extents)}, location);
}

/// The mean of the rows that count along `axis`, which is the batch's.
Array mean_of_rows(const Array& value, int axis, const Location& location) {
  if (axis == 0) return masked_mean(Operand(value, location), Operand(valid_rows(location), location));
  Array total = reduced("reduce_sum", without_padding("mean", value, axis, Padding::zero, 0, location),
                        {axis}, location);
  LocationScope scope(location);
  return total / cast(maximum(valid_rows(location), 1.0), value.dtype());
}

/// The mean, of the rows that count along axes that run over the batch.
Array mean_over(Array value, const std::vector<std::int64_t>& dims, const Location& location) {
  std::vector<std::int64_t> others;
  for (auto dim = dims.rbegin(); dim != dims.rend(); ++dim) { // from behind: what is left keeps its number
    const int axis = static_cast<int>(*dim);
    if (!batch_rows(value).has(axis)) {
      others.insert(others.begin(), axis);
      continue;
    }
    if (!is_batch_axis(value, axis)) require_no_padding("mean", value, axis, Padding::none, location);
    value = mean_of_rows(value, axis, location);
    for (std::int64_t& other : others)
      --other;
  }
  return reduced("reduce_mean", value, others, location);
}

Array reduce(std::string_view op, const Operand& x, const Axes* axes, bool keep, bool floats) {
  Array value = value_of(x);
  const Location& location = x.location();
  if (floats) require_float(op, value, location);
  if (value.dtype() == DType::i1) fail(op, "expects numbers, not " + to_string(value.type()), location);
  std::vector<std::int64_t> dims = axes_of(op, value, axes ? *axes : Axes(all_axes(value)), location);
  if (dims.empty()) return value;
  std::vector<std::int64_t> kept = value.shape().extents();
  for (std::int64_t axis : dims)
    kept[static_cast<std::size_t>(axis)] = 1;
  Array result;
  if (op == "reduce_mean") {
    result = mean_over(value, dims, location);
  } else {
    const bool sums = op == "reduce_sum";
    const double fill = sums ? 0 : op == "reduce_max" ? lowest(value.dtype()) : highest(value.dtype());
    for (std::int64_t axis : dims)
      value = without_padding(op.substr(std::string_view("reduce_").size()), value, static_cast<int>(axis),
                              sums ? Padding::zero : Padding::chosen, fill, location);
    result = reduced(op, value, dims, location);
  }
  return keep ? reshape(Operand(result, location), Shape(kept)) : result;
}

/// An op along one axis, of x with `fill` in its padding.
Array along(std::string_view op, const Operand& x, int axis, Padding tolerated, double fill) {
  Array value = value_of(x);
  require_float(op, value, x.location());
  int dim = axis_of(op, value, axis, x.location());
  value = without_padding(op, value, dim, tolerated, fill, x.location());
  return record1(op, {value}, AxisOptions{dim}, value.type(), x.location());
}

Shape without_axis(const Shape& shape, int axis) {
  std::vector<std::int64_t> extents = shape.extents();
  extents.erase(extents.begin() + axis);
  return Shape(extents);
}

} // namespace

Array sum(const Operand& x) {
  return reduce("reduce_sum", x, nullptr, false, false);
}
Array sum(const Operand& x, const Axes& axes, bool keep) {
  return reduce("reduce_sum", x, &axes, keep, false);
}
Array mean(const Operand& x) {
  return reduce("reduce_mean", x, nullptr, false, true);
}
Array mean(const Operand& x, const Axes& axes, bool keep) {
  return reduce("reduce_mean", x, &axes, keep, true);
}
Array max(const Operand& x) {
  return reduce("reduce_max", x, nullptr, false, false);
}
Array max(const Operand& x, const Axes& axes, bool keep) {
  return reduce("reduce_max", x, &axes, keep, false);
}
Array min(const Operand& x) {
  return reduce("reduce_min", x, nullptr, false, false);
}
Array min(const Operand& x, const Axes& axes, bool keep) {
  return reduce("reduce_min", x, &axes, keep, false);
}

Array argmax(const Operand& x, int axis) {
  Array value = value_of(x);
  int dim = axis_of("argmax", value, axis, x.location());
  value = without_padding("argmax", value, dim, Padding::chosen, lowest(value.dtype()), x.location());
  return record1("argmax", {value}, AxisOptions{dim}, {DType::i32, without_axis(value.shape(), dim)},
                 x.location());
}

Array sort_perm(const Operand& x) {
  Array value = value_of(x);
  require_rank("sort_perm", "the operand", value, 1, x.location());
  value = without_padding("sort_perm", value, 0, Padding::chosen, highest(value.dtype()), x.location());
  return record1("sort_perm", {value}, AxisOptions{0}, {DType::i32, value.shape()}, x.location());
}

Array logsumexp(const Operand& x, int axis) {
  Array value = value_of(x);
  require_float("logsumexp", value, x.location());
  int dim = axis_of("logsumexp", value, axis, x.location());
  value = without_padding("logsumexp", value, dim, Padding::chosen, lowest(value.dtype()), x.location());
  return record1("logsumexp", {value}, AxisOptions{dim}, {value.dtype(), without_axis(value.shape(), dim)},
                 x.location());
}

Array softmax(const Operand& x, int axis) {
  return along("softmax", x, axis, Padding::chosen, lowest(DType::f32));
}
Array log_softmax(const Operand& x, int axis) {
  return along("log_softmax", x, axis, Padding::chosen, lowest(DType::f32));
}
Array l2_normalize(const Operand& x, int axis) {
  return along("l2_normalize", x, axis, Padding::zero, 0);
}

Array masked_mean(const Operand& x, const Operand& valid) {
  Array value = value_of(x), rows = value_of(valid);
  require_float("masked_mean", value, x.location());
  if (value.rank() == 0) fail("masked_mean", "expects one value per row, not a scalar", x.location());
  require_type("masked_mean", "valid", rows, {DType::i32, {}}, valid.location());
  require_batch_rows("masked_mean", value, rows, x.location());
  return record1("masked_mean", {value, rows}, NoOptions{}, {value.dtype(), without_axis(value.shape(), 0)},
                 x.location());
}

} // namespace tailor
