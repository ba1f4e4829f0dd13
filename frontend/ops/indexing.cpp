#include "frontend/ops/indexing.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/padding.h"

namespace tailor {

namespace {

using namespace detail;

void require_index(std::string_view op, const Array& index, const Location& location) {
  if (index.dtype() != DType::i32)
    fail(op, "the index must be i32, not " + to_string(index.type()), location);
}

/// A constant index is looked at here; labels and codes when the data are opened.
void require_in_range(std::string_view op, const Array& index, std::int64_t size, const Location& location) {
  if (index.node()->op != "constant") return;
  for (double value : std::get<ConstantOptions>(index.node()->options).values)
    if (value < 0 || value >= static_cast<double>(size))
      fail(op,
           "index " + std::to_string(static_cast<std::int64_t>(value)) + " is outside [0, " +
               std::to_string(size) + ")",
           location);
}

/// Extents of index, then those of table without the first.
Shape rows_shape(const Array& table, const Array& index) {
  std::vector<std::int64_t> extents = index.shape().extents();
  extents.insert(extents.end(), table.shape().extents().begin() + 1, table.shape().extents().end());
  return Shape(extents);
}

} // namespace

Array take(const Operand& table, const Operand& index) {
  Array rows = value_of(table), which = value_of(index);
  require_index("take", which, index.location());
  if (rows.rank() == 0) fail("take", "the table is a scalar", table.location());
  require_in_range("take", which, rows.shape()[0], index.location());
  return record1("take", {rows, which}, NoOptions{}, {rows.dtype(), rows_shape(rows, which)},
                 table.location());
}

Array take_along(const Operand& x, const Operand& index, int axis) {
  Array value = value_of(x), which = value_of(index);
  require_index("take_along", which, index.location());
  if (axis_of("take_along", value, axis, x.location()) != value.rank() - 1)
    fail("take_along", "axis " + std::to_string(axis) + " is not the last of " + to_string(value.type()),
         x.location());
  Shape rows(std::vector<std::int64_t>(value.shape().extents().begin(), value.shape().extents().end() - 1));
  if (!(which.shape() == rows))
    fail("take_along",
         "index " + to_string(which.type()) + " must have one entry per row of " + to_string(value.type()),
         x.location());
  require_in_range("take_along", which, value.shape()[value.rank() - 1], index.location());
  return record1("take_along", {value, which}, NoOptions{}, {value.dtype(), rows}, x.location());
}

Array scatter_add(const Operand& table, const Operand& index, const Operand& updates) {
  Array rows = value_of(table), which = value_of(index), added = value_of(updates);
  require_index("scatter_add", which, index.location());
  if (rows.rank() == 0) fail("scatter_add", "the table is a scalar", table.location());
  require_type("scatter_add", "updates", added, {rows.dtype(), rows_shape(rows, which)}, updates.location());
  require_in_range("scatter_add", which, rows.shape()[0], index.location());
  for (int axis = 0; axis < which.rank(); ++axis) {
    if (batch_rows(added).has(axis))
      added = without_padding("scatter_add", added, axis, Padding::zero, 0, updates.location());
    else if (is_batch_axis(which, axis))
      added = filled_padding(added, axis, which.shape()[axis], 0, updates.location());
    else
      require_no_padding("scatter_add", which, axis, Padding::none, index.location());
  }
  return record1("scatter_add", {rows, which, added}, NoOptions{}, rows.type(), table.location());
}

Array one_hot(const Operand& index, std::int64_t num_classes, DType dtype) {
  Array which = value_of(index);
  require_index("one_hot", which, index.location());
  if (num_classes < 1)
    fail("one_hot", "needs at least one class, not " + std::to_string(num_classes), index.location());
  require_in_range("one_hot", which, num_classes, index.location());
  if (!is_number(dtype))
    fail("one_hot", "gives numbers, not " + std::string(to_string(dtype)), index.location());
  std::vector<std::int64_t> extents = which.shape().extents();
  extents.push_back(num_classes);
  return record1("one_hot", {which}, NoOptions{}, {dtype, Shape(extents)}, index.location());
}

} // namespace tailor
