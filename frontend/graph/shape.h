#pragma once

#include "frontend/graph/dtype.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace tailor {

/// Static extents, outermost first; rank 0 is a scalar. Dimension 0 of an activation is the batch.
class Shape {
public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : extents_(extents) {}
  explicit Shape(std::vector<std::int64_t> extents) : extents_(std::move(extents)) {}

  int rank() const { return static_cast<int>(extents_.size()); }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  const std::vector<std::int64_t>& extents() const { return extents_; }
  /// Product of the extents; 1 for a scalar. Saturates at the largest int64 instead of overflowing.
  std::int64_t num_elements() const;

  bool operator==(const Shape&) const = default;

private:
  std::vector<std::int64_t> extents_;
};

/// "[64, 10]"; a scalar prints as "[]".
std::string to_string(const Shape& shape);

/// The shape both broadcast to (numpy rule: aligned at the last axis, extent 1 stretches).
/// Returns false when an axis differs and neither extent is 1; `result` is then unspecified.
bool broadcast_shapes(const Shape& a, const Shape& b, Shape& result);

/// Element type and shape of one value.
struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const TensorType&) const = default;
};

/// "f32[64, 10]".
std::string to_string(const TensorType& type);

/// One or several axes; negative counts from the end: sum(x, -1), mean(x, {1, 2}).
class Axes {
public:
  Axes(int axis) : axes_{axis} {}
  Axes(std::initializer_list<int> axes) : axes_(axes) {}
  explicit Axes(std::vector<int> axes) : axes_(std::move(axes)) {}
  const std::vector<int>& values() const { return axes_; }

private:
  std::vector<int> axes_;
};

} // namespace tailor
