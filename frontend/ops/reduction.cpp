#include "frontend/ops/reduction.h"

#include "frontend/batch_rows.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/shaping.h"

#include <algorithm>
#include <numeric>

namespace tailor {

namespace {

using namespace detail;

std::vector<int> all_axes(const Array& x) {
  std::vector<int> axes(static_cast<std::size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

Array reduce(std::string_view op, const Operand& x, const Axes* axes, bool keep, bool floats) {
  Array value = value_of(x);
  if (floats) require_float(op, value, x.location());
  if (value.dtype() == DType::i1) fail(op, "expects numbers, not " + to_string(value.type()), x.location());
  std::vector<std::int64_t> dims = axes_of(op, value, axes ? *axes : Axes(all_axes(value)), x.location());
  std::vector<std::int64_t> extents, kept;
  for (int axis = 0; axis < value.rank(); ++axis) {
    bool reduced = std::binary_search(dims.begin(), dims.end(), axis);
    if (!reduced) extents.push_back(value.shape()[axis]);
    kept.push_back(reduced ? 1 : value.shape()[axis]);
  }
  if (dims.empty()) return value;
  const Padding tolerated = op == "reduce_mean"  ? Padding::none
                            : op == "reduce_sum" ? Padding::zero
                                                 : Padding::chosen;
  for (std::int64_t axis : dims)
    require_no_padding(op.substr(std::string_view("reduce_").size()), value, static_cast<int>(axis),
                       tolerated, x.location());
  Array result = record1(op, {value}, DimsOptions{dims}, {value.dtype(), Shape(extents)}, x.location());
  return keep ? reshape(Operand(result, x.location()), Shape(kept)) : result;
}

Array along(std::string_view op, const Operand& x, int axis, Padding tolerated) {
  Array value = value_of(x);
  require_float(op, value, x.location());
  int dim = axis_of(op, value, axis, x.location());
  require_no_padding(op, value, dim, tolerated, x.location());
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
  require_no_padding("argmax", value, dim, Padding::chosen, x.location());
  return record1("argmax", {value}, AxisOptions{dim}, {DType::i32, without_axis(value.shape(), dim)},
                 x.location());
}

Array sort_perm(const Operand& x) {
  Array value = value_of(x);
  require_rank("sort_perm", "the operand", value, 1, x.location());
  require_no_padding("sort_perm", value, 0, Padding::chosen, x.location());
  return record1("sort_perm", {value}, AxisOptions{0}, {DType::i32, value.shape()}, x.location());
}

Array logsumexp(const Operand& x, int axis) {
  Array value = value_of(x);
  require_float("logsumexp", value, x.location());
  int dim = axis_of("logsumexp", value, axis, x.location());
  require_no_padding("logsumexp", value, dim, Padding::chosen, x.location());
  return record1("logsumexp", {value}, AxisOptions{dim}, {value.dtype(), without_axis(value.shape(), dim)},
                 x.location());
}

Array softmax(const Operand& x, int axis) {
  return along("softmax", x, axis, Padding::chosen);
}
Array log_softmax(const Operand& x, int axis) {
  return along("log_softmax", x, axis, Padding::chosen);
}
Array l2_normalize(const Operand& x, int axis) {
  return along("l2_normalize", x, axis, Padding::zero);
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
