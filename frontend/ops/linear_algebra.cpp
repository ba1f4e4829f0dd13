#include "frontend/ops/linear_algebra.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/padding.h"

#include <algorithm>

namespace tailor {

namespace {

using namespace detail;

bool in_range(const std::vector<std::int64_t>& axes, const Array& x) {
  return std::all_of(axes.begin(), axes.end(),
                     [&](std::int64_t axis) { return axis >= 0 && axis < x.rank(); });
}

bool contains(const std::vector<std::int64_t>& axes, int axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

bool equal_extents(const Array& a, const std::vector<std::int64_t>& a_axes, const Array& b,
                   const std::vector<std::int64_t>& b_axes) {
  if (a_axes.size() != b_axes.size()) return false;
  for (std::size_t i = 0; i < a_axes.size(); ++i)
    if (a.shape()[static_cast<int>(a_axes[i])] != b.shape()[static_cast<int>(b_axes[i])]) return false;
  return true;
}

void append_free(const Array& x, const std::vector<std::int64_t>& batch,
                 const std::vector<std::int64_t>& contracting, std::vector<std::int64_t>& extents) {
  for (int axis = 0; axis < x.rank(); ++axis)
    if (!contains(batch, axis) && !contains(contracting, axis)) extents.push_back(x.shape()[axis]);
}

} // namespace

Array dot(const Operand& a, const Operand& b, const DotOptions& options) {
  Array left = value_of(a), right = value_of(b);
  const Location& location = a.location();
  require_float("dot", left, location);
  if (left.dtype() != right.dtype())
    fail("dot", "operands are " + to_string(left.type()) + " and " + to_string(right.type()), location);
  bool valid = in_range(options.lhs_batch, left) && in_range(options.lhs_contracting, left) &&
               in_range(options.rhs_batch, right) && in_range(options.rhs_contracting, right);
  if (!valid || !equal_extents(left, options.lhs_batch, right, options.rhs_batch) ||
      !equal_extents(left, options.lhs_contracting, right, options.rhs_contracting))
    fail("dot",
         "batch or contracting axes of " + to_string(left.type()) + " and " + to_string(right.type()) +
             " do not match",
         location);
  for (std::size_t i = 0; i < options.lhs_contracting.size(); ++i) {
    const int along_left = static_cast<int>(options.lhs_contracting[i]);
    const int along_right = static_cast<int>(options.rhs_contracting[i]);
    // A program that has put zeros into the padding of one side has said enough.
    const bool left_zero =
        batch_rows(left).has(along_left) && tolerates_padding(left, along_left, Padding::zero);
    const bool right_zero =
        batch_rows(right).has(along_right) && tolerates_padding(right, along_right, Padding::zero);
    if (left_zero || right_zero) continue;
    left = without_padding("dot", left, along_left, Padding::zero, 0, location);
    right = without_padding("dot", right, along_right, Padding::zero, 0, location);
  }
  std::vector<std::int64_t> extents;
  for (std::int64_t axis : options.lhs_batch)
    extents.push_back(left.shape()[static_cast<int>(axis)]);
  append_free(left, options.lhs_batch, options.lhs_contracting, extents);
  append_free(right, options.rhs_batch, options.rhs_contracting, extents);
  return record1("dot", {left, right}, options, {left.dtype(), Shape(extents)}, location);
}

Array matmul(const Operand& a, const Operand& b) {
  Array left = value_of(a), right = value_of(b);
  const Location& location = a.location();
  if (left.rank() < 2 || left.rank() != right.rank())
    fail("matmul",
         "expects two matrices or two stacks of them, not " + to_string(left.type()) + " and " +
             to_string(right.type()),
         location);
  int rank = left.rank();
  if (left.shape()[rank - 1] != right.shape()[rank - 2])
    fail("matmul",
         to_string(left.type()) + " has " + std::to_string(left.shape()[rank - 1]) + " columns but " +
             to_string(right.type()) + " has " + std::to_string(right.shape()[rank - 2]) + " rows",
         location);
  DotOptions options;
  for (int axis = 0; axis < rank - 2; ++axis) {
    options.lhs_batch.push_back(axis);
    options.rhs_batch.push_back(axis);
  }
  options.lhs_contracting = {rank - 1};
  options.rhs_contracting = {rank - 2};
  return dot(Operand(left, location), Operand(right, location), options);
}

} // namespace tailor
