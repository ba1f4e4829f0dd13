#include "frontend/graph/shape.h"

#include <algorithm>
#include <limits>

namespace tailor {

std::string_view to_string(DType dtype) {
  switch (dtype) {
  case DType::f32:
    return "f32";
  case DType::bf16:
    return "bf16";
  case DType::f64:
    return "f64";
  case DType::i32:
    return "i32";
  case DType::i64:
    return "i64";
  case DType::i1:
    return "i1";
  case DType::u8:
    return "u8";
  }
  return "unknown";
}

std::int64_t Shape::num_elements() const {
  std::int64_t count = 1;
  for (std::int64_t extent : extents_) {
    if (extent <= 0) return 0; // no shape of a value: recording it is an error
    if (count > std::numeric_limits<std::int64_t>::max() / extent)
      return std::numeric_limits<std::int64_t>::max();
    count *= extent;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int axis = 0; axis < shape.rank(); ++axis)
    text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

std::string to_string(const TensorType& type) {
  return std::string(to_string(type.dtype)) + to_string(type.shape);
}

bool broadcast_shapes(const Shape& a, const Shape& b, Shape& result) {
  int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> extents(static_cast<std::size_t>(rank));
  for (int axis = 0; axis < rank; ++axis) {
    std::int64_t left = axis < rank - a.rank() ? 1 : a[axis - (rank - a.rank())];
    std::int64_t right = axis < rank - b.rank() ? 1 : b[axis - (rank - b.rank())];
    if (left != right && left != 1 && right != 1) return false;
    extents[static_cast<std::size_t>(axis)] = left == 1 ? right : left;
  }
  result = Shape(std::move(extents));
  return true;
}

} // namespace tailor
