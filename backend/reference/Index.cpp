#include "backend/reference/Index.h"

#include "backend/reference/Elementwise.h"

namespace tailor::backend::reference {

int64_t findOutOfRange(const Tensor& indices, int64_t bound) {
  for (int64_t i = 0; i < indices.size(); ++i)
    if (indices.integers()[i] < 0 || indices.integers()[i] >= bound) return i;
  return -1;
}

Tensor take(const Tensor& table, const Tensor& indices) {
  Shape shape = indices.shape();
  shape.insert(shape.end(), table.shape().begin() + 1, table.shape().end());
  Tensor y(table.element(), shape);
  const int64_t row = numElements({table.shape().begin() + 1, table.shape().end()});
  for (int64_t i = 0; i < indices.size(); ++i)
    for (int64_t c = 0; c < row; ++c)
      y.copyFrom(i * row + c, table, indices.integers()[i] * row + c);
  return y;
}

Tensor takeAlong(const Tensor& x, const Tensor& indices) {
  Tensor y(x.element(), indices.shape());
  const int64_t depth = x.shape().back();
  for (int64_t n = 0; n < indices.size(); ++n)
    y.copyFrom(n, x, n * depth + indices.integers()[n]);
  return y;
}

Tensor scatterAdd(const Tensor& base, const Tensor& indices, const Tensor& updates) {
  Tensor y = base;
  const int64_t row = numElements({base.shape().begin() + 1, base.shape().end()});
  for (int64_t i = 0; i < indices.size(); ++i)
    for (int64_t c = 0; c < row; ++c) {
      const int64_t target = indices.integers()[i] * row + c, source = i * row + c;
      if (y.isReal())
        y.reals()[target] += updates.reals()[source];
      else
        y.integers()[target] += updates.integers()[source];
    }
  return wrap(std::move(y));
}

Tensor oneHot(Element element, const Tensor& indices, int64_t depth) {
  Shape shape = indices.shape();
  shape.push_back(depth);
  Tensor y(element, shape);
  for (int64_t n = 0; n < indices.size(); ++n) {
    const int64_t index = indices.integers()[n];
    if (index >= 0 && index < depth) y.set(n * depth + index, 1.0);
  }
  return y;
}

} // namespace tailor::backend::reference
