#include "frontend/graph/print.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

namespace tailor {

namespace {

// As numpy: what a screen holds, and how much of each end is shown beyond that.
constexpr std::int64_t kShown = 1000, kEdge = 3;

std::string number(double value, DType dtype) {
  if (dtype == DType::i1) return value != 0 ? "true" : "false";
  char text[32];
  std::snprintf(text, sizeof text, is_float(dtype) ? "%.6g" : "%.0f", value);
  return text;
}

class Printer {
public:
  Printer(const Shape& shape, DType dtype, const std::vector<double>& values)
      : shape_(shape), dtype_(dtype), values_(values),
        shortened_(static_cast<std::int64_t>(values.size()) > kShown) {
    each(0, 0, [&](std::int64_t at) {
      width_ = std::max(width_, number(values_[static_cast<std::size_t>(at)], dtype_).size());
    });
  }

  std::string text() { return shape_.rank() == 0 ? number(values_[0], dtype_) : block(0, 0); }

private:
  bool skips(int axis, std::int64_t i) const {
    return shortened_ && shape_[axis] > 2 * kEdge && i >= kEdge && i < shape_[axis] - kEdge;
  }

  template <class Visit> void each(int axis, std::int64_t at, const Visit& visit) const {
    if (axis == shape_.rank()) return visit(at);
    for (std::int64_t i = 0; i < shape_[axis]; ++i)
      if (!skips(axis, i)) each(axis + 1, at * shape_[axis] + i, visit);
  }

  std::string block(int axis, std::int64_t at) const {
    if (axis == shape_.rank()) {
      std::string value = number(values_[static_cast<std::size_t>(at)], dtype_);
      return std::string(width_ - value.size(), ' ') + value;
    }
    // A matrix has a row per line, a stack of matrices an empty line between them.
    const int below = shape_.rank() - 1 - axis;
    const std::string between = below == 0 ? ", "
                                           : "," + std::string(static_cast<std::size_t>(below), '\n') +
                                                 std::string(static_cast<std::size_t>(axis) + 1, ' ');
    std::string text = "[";
    for (std::int64_t i = 0; i < shape_[axis]; ++i) {
      if (skips(axis, i)) {
        if (i == kEdge) text += between + "...";
        continue;
      }
      text += (i == 0 ? "" : between) + block(axis + 1, at * shape_[axis] + i);
    }
    return text + "]";
  }

  const Shape& shape_;
  DType dtype_;
  const std::vector<double>& values_;
  bool shortened_;
  std::size_t width_ = 0;
};

} // namespace

std::string to_string(const Array& array) {
  if (array.empty()) return "an empty array";
  const std::string type = to_string(array.type());
  if (array.node()->scope != 0)
    return type + " made at " + to_string(array.node()->location) + ", a value of a step";
  const std::vector<double> values = array.eval();
  return type + (array.rank() == 0 ? " " : "\n") + Printer(array.shape(), array.dtype(), values).text();
}

std::ostream& operator<<(std::ostream& out, const Array& array) {
  return out << to_string(array);
}

} // namespace tailor
