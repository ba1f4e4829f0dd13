#include "backend/reference/ShapeOps.h"

#include <algorithm>

namespace tailor::backend::reference {
namespace {

/// The element of x that place `index` of the broadcast result shows.
int64_t broadcastSource(std::span<const int64_t> index, const Shape& sourceShape, const Shape& dims) {
  int64_t flat = 0;
  for (size_t d = 0; d < sourceShape.size(); ++d)
    flat = flat * sourceShape[d] + (sourceShape[d] == 1 ? 0 : index[dims[d]]);
  return flat;
}

} // namespace

Tensor broadcast(const Tensor& x, const Shape& shape, const Shape& dims) {
  Tensor y(x.element(), shape);
  forEachIndex(shape, [&](std::span<const int64_t> index, int64_t flat) {
    y.copyFrom(flat, x, broadcastSource(index, x.shape(), dims));
  });
  return y;
}

Tensor transpose(const Tensor& x, const Shape& permutation) {
  Shape shape(permutation.size());
  for (size_t d = 0; d < shape.size(); ++d)
    shape[d] = x.dim(permutation[d]);
  const Shape strides = stridesOf(x.shape());
  Tensor y(x.element(), shape);
  forEachIndex(shape, [&](std::span<const int64_t> index, int64_t flat) {
    int64_t source = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      source += index[d] * strides[permutation[d]];
    y.copyFrom(flat, x, source);
  });
  return y;
}

Tensor slice(const Tensor& x, const Shape& starts, const Shape& strides, const Shape& shape) {
  const Shape elementStrides = stridesOf(x.shape());
  Tensor y(x.element(), shape);
  forEachIndex(shape, [&](std::span<const int64_t> index, int64_t flat) {
    int64_t source = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      source += (starts[d] + index[d] * strides[d]) * elementStrides[d];
    y.copyFrom(flat, x, source);
  });
  return y;
}

Tensor pad(const Tensor& x, const Shape& low, const Shape& high, const Shape& interior, double value) {
  Shape shape = x.shape();
  for (size_t d = 0; d < shape.size(); ++d)
    shape[d] += low[d] + high[d] + std::max<int64_t>(shape[d] - 1, 0) * interior[d];
  const Shape strides = stridesOf(shape);
  Tensor y = Tensor::filled(x.element(), shape, value);
  forEachIndex(x.shape(), [&](std::span<const int64_t> index, int64_t flat) {
    int64_t target = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      target += (low[d] + index[d] * (interior[d] + 1)) * strides[d];
    y.copyFrom(target, x, flat);
  });
  return y;
}

Tensor concat(std::span<const Tensor> parts, int64_t dimension) {
  Shape shape = parts.front().shape();
  shape[dimension] = 0;
  for (const Tensor& part : parts)
    shape[dimension] += part.dim(dimension);
  Tensor y(parts.front().element(), shape);
  const DimensionView whole(shape, dimension);
  int64_t offset = 0;
  for (const Tensor& part : parts) {
    const DimensionView view(part.shape(), dimension);
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t l = 0; l < view.length; ++l)
        for (int64_t i = 0; i < view.inner; ++i)
          y.copyFrom(whole.flat(o, offset + l, i), part, view.flat(o, l, i));
    offset += view.length;
  }
  return y;
}

Tensor roll(const Tensor& x, int64_t dimension, int64_t shift) {
  Tensor y(x.element(), x.shape());
  const DimensionView view(x.shape(), dimension);
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t l = 0; l < view.length; ++l) {
      const int64_t target = (l + shift % view.length + view.length) % view.length;
      for (int64_t i = 0; i < view.inner; ++i)
        y.copyFrom(view.flat(o, target, i), x, view.flat(o, l, i));
    }
  return y;
}

Tensor iota(Element element, const Shape& shape, int64_t dimension) {
  Tensor y(element, shape);
  forEachIndex(shape, [&](std::span<const int64_t> index, int64_t flat) {
    y.set(flat, static_cast<double>(index[dimension]));
  });
  return y;
}

Tensor rowMask(int64_t rows, int64_t valid) {
  Tensor y(Element::i1, {rows});
  for (int64_t n = 0; n < rows; ++n)
    y.integers()[n] = n < valid;
  return y;
}

} // namespace tailor::backend::reference
