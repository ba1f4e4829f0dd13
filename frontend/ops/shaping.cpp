#include "frontend/ops/shaping.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/padding.h"

#include <algorithm>
#include <numeric>

namespace tailor {

using namespace detail;

Array broadcast_to(const Operand& x, const Shape& shape) {
  Array value = value_of(x);
  Shape joined;
  if (!broadcast_shapes(value.shape(), shape, joined) || !(joined == shape))
    fail("broadcast_to", to_string(value.type()) + " does not broadcast to " + to_string(shape),
         x.location());
  return broadcast(value, shape, x.location());
}

Array reshape(const Operand& x, const Shape& shape) {
  Array value = value_of(x);
  std::vector<std::int64_t> extents = shape.extents();
  std::int64_t known = 1;
  int open = -1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != -1) {
      known *= shape[axis];
      continue;
    }
    if (open >= 0) fail("reshape", "only one extent of " + to_string(shape) + " may be -1", x.location());
    open = axis;
  }
  if (open >= 0 && known > 0) extents[static_cast<std::size_t>(open)] = value.shape().num_elements() / known;
  Shape result{extents};
  if (result.num_elements() != value.shape().num_elements())
    fail("reshape", to_string(value.type()) + " does not have the elements of " + to_string(shape),
         x.location());
  if (result == value.shape()) return value;
  return record1("reshape", {value}, NoOptions{}, {value.dtype(), result}, x.location());
}

Array flatten(const Operand& x, int from_axis) {
  Array value = value_of(x);
  int first = axis_of("flatten", value, from_axis, x.location());
  std::vector<std::int64_t> extents(value.shape().extents().begin(), value.shape().extents().begin() + first);
  std::int64_t rest = 1;
  for (int axis = first; axis < value.rank(); ++axis)
    rest *= value.shape()[axis];
  extents.push_back(rest);
  return reshape(Operand(value, x.location()), Shape(extents));
}

Array squeeze(const Operand& x, const Axes& axes) {
  Array value = value_of(x);
  std::vector<std::int64_t> removed = axes_of("squeeze", value, axes, x.location());
  std::vector<std::int64_t> extents;
  for (int axis = 0; axis < value.rank(); ++axis) {
    if (std::find(removed.begin(), removed.end(), axis) == removed.end()) {
      extents.push_back(value.shape()[axis]);
    } else if (value.shape()[axis] != 1) {
      fail("squeeze", "axis " + std::to_string(axis) + " of " + to_string(value.type()) + " is not 1",
           x.location());
    }
  }
  return reshape(Operand(value, x.location()), Shape(extents));
}

Array expand_dims(const Operand& x, int axis) {
  Array value = value_of(x);
  int place = axis < 0 ? axis + value.rank() + 1 : axis;
  if (place < 0 || place > value.rank())
    fail("expand_dims", "axis " + std::to_string(axis) + " is outside " + to_string(value.type()),
         x.location());
  std::vector<std::int64_t> extents = value.shape().extents();
  extents.insert(extents.begin() + place, 1);
  return reshape(Operand(value, x.location()), Shape(extents));
}

Array transpose(const Operand& x, const std::vector<int>& permutation) {
  Array value = value_of(x);
  std::vector<int> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> identity(static_cast<std::size_t>(value.rank()));
  std::iota(identity.begin(), identity.end(), 0);
  if (sorted != identity)
    fail("transpose", "the permutation does not name every axis of " + to_string(value.type()) + " once",
         x.location());
  std::vector<std::int64_t> extents, axes;
  for (int axis : permutation) {
    extents.push_back(value.shape()[axis]);
    axes.push_back(axis);
  }
  return record1("transpose", {value}, PermutationOptions{axes}, {value.dtype(), Shape(extents)},
                 x.location());
}

Array slice(const Operand& x, const std::vector<std::int64_t>& starts,
            const std::vector<std::int64_t>& limits, const std::vector<std::int64_t>& strides) {
  Array value = value_of(x);
  std::size_t rank = static_cast<std::size_t>(value.rank());
  std::vector<std::int64_t> steps = strides.empty() ? std::vector<std::int64_t>(rank, 1) : strides;
  if (starts.size() != rank || limits.size() != rank || steps.size() != rank)
    fail("slice", "starts, limits and strides need one entry per axis of " + to_string(value.type()),
         x.location());
  std::vector<std::int64_t> extents;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::int64_t extent = value.shape()[static_cast<int>(axis)];
    if (starts[axis] < 0 || limits[axis] > extent || starts[axis] > limits[axis] || steps[axis] < 1)
      fail("slice",
           "[" + std::to_string(starts[axis]) + ":" + std::to_string(limits[axis]) + ":" +
               std::to_string(steps[axis]) + "] does not fit axis " + std::to_string(axis) + " of " +
               to_string(value.type()),
           x.location());
    extents.push_back((limits[axis] - starts[axis] + steps[axis] - 1) / steps[axis]);
  }
  return record1("slice", {value}, SliceOptions{starts, limits, steps}, {value.dtype(), Shape(extents)},
                 x.location());
}

Array pad(const Operand& x, const std::vector<std::int64_t>& low, const std::vector<std::int64_t>& high,
          double fill) {
  Array value = value_of(x);
  std::size_t rank = static_cast<std::size_t>(value.rank());
  if (low.size() != rank || high.size() != rank)
    fail("pad", "low and high need one entry per axis of " + to_string(value.type()), x.location());
  std::vector<std::int64_t> extents;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (low[axis] < 0 || high[axis] < 0)
      fail("pad", "axis " + std::to_string(axis) + " is padded by a negative number", x.location());
    extents.push_back(low[axis] + value.shape()[static_cast<int>(axis)] + high[axis]);
  }
  require_representable("pad", fill, value.dtype(), x.location());
  return record1("pad", {value}, PadOptions{low, high, fill}, {value.dtype(), Shape(extents)}, x.location());
}

Array concat(const std::vector<Array>& parts, int axis, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (parts.empty()) fail("concat", "there is nothing to join", location);
  if (parts.size() == 1) return parts[0];
  Array first = value_of(Operand(parts[0], location));
  int along = axis_of("concat", first, axis, location);
  std::vector<std::int64_t> extents = first.shape().extents();
  extents[static_cast<std::size_t>(along)] = 0;
  for (const Array& part : parts) {
    std::vector<std::int64_t> other = value_of(Operand(part, location)).shape().extents();
    std::vector<std::int64_t> expected = first.shape().extents();
    if (other.size() == expected.size())
      expected[static_cast<std::size_t>(along)] = other[static_cast<std::size_t>(along)];
    if (part.dtype() != first.dtype() || other != expected)
      fail("concat",
           to_string(first.type()) + " and " + to_string(part.type()) + " do not join along axis " +
               std::to_string(along),
           location);
    extents[static_cast<std::size_t>(along)] += other[static_cast<std::size_t>(along)];
  }
  return record1("concat", parts, AxisOptions{along}, {first.dtype(), Shape(extents)}, location);
}

/// Rolls the rows that count among themselves; padding stays. `axis` is the batch's.
static Array roll_rows(const Array& x, std::int64_t shift, int axis, const Location& location) {
  LocationScope scope(location);
  const std::int64_t rows = x.shape()[axis];
  Array count = maximum(valid_rows(location), 1.0), row = iota({rows}, 0);
  // shift mod count, with the sign of shift: integers divide towards zero.
  Array by = constant(static_cast<double>(shift), DType::i32);
  Array from = row - (by - by / count * count);
  from = where(from < 0.0, from + count, from);
  from = where(from >= count, from - count, from);
  Array index = where(row < valid_rows(location), from, row);
  index = Array(record({.op = "reshape",
                        .inputs = {index},
                        .results = {index.type()},
                        .location = location,
                        .name = "partner",
                        .batch_rows = {{.axes = 1, .in_order = 1, .count = rows, .permutes = true}}}),
                0);
  std::vector<int> to_front(static_cast<std::size_t>(x.rank()));
  std::iota(to_front.begin(), to_front.end(), 0);
  std::swap(to_front[0], to_front[static_cast<std::size_t>(axis)]);
  if (axis == 0) return take(x, index);
  return transpose(take(transpose(x, to_front), index), to_front);
}

Array roll(const Operand& x, std::int64_t shift, int axis) {
  Array value = value_of(x);
  int along = axis_of("roll", value, axis, x.location());
  if (is_batch_axis(value, along)) {
    require_representable("roll", static_cast<double>(shift), DType::i32, x.location());
    return roll_rows(value, shift, along, x.location());
  }
  require_no_padding("roll", value, along, Padding::none, x.location());
  return record1("roll", {value}, RollOptions{along, shift}, value.type(), x.location());
}

Array all_rows(const Operand& x) {
  Array value = value_of(x);
  return Array(record({.op = "reshape",
                       .inputs = {value},
                       .results = {value.type()},
                       .location = x.location(),
                       .batch_rows = {BatchRows()}}),
               0);
}

Array iota(const Shape& shape, int axis, DType dtype, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  int along = axis < 0 ? axis + shape.rank() : axis;
  if (along < 0 || along >= shape.rank())
    fail("iota", "axis " + std::to_string(axis) + " is outside " + to_string(shape), location);
  if (!is_number(dtype)) fail("iota", "counts in numbers, not " + std::string(to_string(dtype)), location);
  return record1("iota", {}, AxisOptions{along}, {dtype, shape}, location);
}

Array row_mask(const Operand& valid, std::int64_t rows) {
  Array count = value_of(valid);
  require_type("row_mask", "valid", count, {DType::i32, {}}, valid.location());
  return record1("row_mask", {count}, NoOptions{}, {DType::i1, {rows}}, valid.location());
}

} // namespace tailor
