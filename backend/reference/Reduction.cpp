#include "backend/reference/Reduction.h"

#include "backend/reference/Elementwise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tailor::backend::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Shape without(Shape shape, const Shape& dims) {
  Shape kept;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) kept.push_back(shape[d]);
  return kept;
}

} // namespace

Tensor reduce(const Tensor& x, const Shape& dims, Reduction reduction) {
  std::vector<bool> reduced(x.rank(), false);
  for (int64_t d : dims)
    reduced[d] = true;
  Tensor y(x.element(), without(x.shape(), dims));
  if (reduction == Reduction::max || reduction == Reduction::min) {
    const bool isMax = reduction == Reduction::max;
    if (x.isReal())
      std::fill(y.reals().begin(), y.reals().end(), isMax ? -kInfinity : kInfinity);
    else
      std::fill(y.integers().begin(), y.integers().end(), isMax ? INT64_MIN : INT64_MAX);
  }
  forEachIndex(x.shape(), [&](std::span<const int64_t> index, int64_t flat) {
    int64_t target = 0;
    for (int64_t d = 0; d < x.rank(); ++d)
      if (!reduced[d]) target = target * x.dim(d) + index[d];
    switch (reduction) {
    case Reduction::sum:
    case Reduction::mean:
      if (x.isReal())
        y.reals()[target] += x.reals()[flat];
      else
        y.integers()[target] += x.integers()[flat];
      break;
    case Reduction::max:
      if (x.isReal())
        y.reals()[target] = scalar::maximum(y.reals()[target], x.reals()[flat]);
      else
        y.integers()[target] = std::max(y.integers()[target], x.integers()[flat]);
      break;
    case Reduction::min:
      if (x.isReal())
        y.reals()[target] = scalar::minimum(y.reals()[target], x.reals()[flat]);
      else
        y.integers()[target] = std::min(y.integers()[target], x.integers()[flat]);
      break;
    }
  });
  if (reduction == Reduction::mean) {
    const int64_t count = y.size() == 0 ? 0 : x.size() / y.size();
    for (double& value : y.reals())
      value = count == 0 ? 0.0 : value / static_cast<double>(count);
  }
  return wrap(std::move(y));
}

Tensor argmax(const Tensor& x, int64_t dimension) {
  const DimensionView view(x.shape(), dimension);
  Tensor y(Element::i32, without(x.shape(), {dimension}));
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      int64_t best = 0;
      for (int64_t l = 1; l < view.length; ++l) {
        const double value = x.at(view.flat(o, l, i)), bestValue = x.at(view.flat(o, best, i));
        if (value > bestValue || (std::isnan(value) && !std::isnan(bestValue))) best = l;
      }
      y.integers()[o * view.inner + i] = best;
    }
  return y;
}

Tensor sortPermutation(const Tensor& x, int64_t dimension, bool descending) {
  const DimensionView view(x.shape(), dimension);
  Tensor y(Element::i32, x.shape());
  std::vector<int64_t> order(view.length);
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int64_t left, int64_t right) {
        const double a = x.at(view.flat(o, left, i)), b = x.at(view.flat(o, right, i));
        if (std::isnan(a) != std::isnan(b)) return std::isnan(b);
        if (a != b && !std::isnan(a)) return descending ? a > b : a < b;
        return left < right;
      });
      for (int64_t l = 0; l < view.length; ++l)
        y.integers()[view.flat(o, l, i)] = order[l];
    }
  return y;
}

Tensor logsumexp(const Tensor& x, int64_t dimension) {
  const DimensionView view(x.shape(), dimension);
  Tensor y(x.element(), without(x.shape(), {dimension}));
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      double maximum = -kInfinity;
      for (int64_t l = 0; l < view.length; ++l)
        maximum = scalar::maximum(maximum, x.reals()[view.flat(o, l, i)]);
      double sum = 0;
      for (int64_t l = 0; l < view.length; ++l)
        sum += std::exp(x.reals()[view.flat(o, l, i)] - maximum);
      y.reals()[o * view.inner + i] = std::isinf(maximum) ? maximum : maximum + std::log(sum);
    }
  return y;
}

Tensor logSoftmax(const Tensor& x, int64_t dimension) {
  const DimensionView view(x.shape(), dimension);
  const Tensor normalizer = logsumexp(x, dimension);
  Tensor y(x.element(), x.shape());
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t l = 0; l < view.length; ++l)
      for (int64_t i = 0; i < view.inner; ++i)
        y.reals()[view.flat(o, l, i)] =
            x.reals()[view.flat(o, l, i)] - normalizer.reals()[o * view.inner + i];
  return y;
}

Tensor softmax(const Tensor& x, int64_t dimension) {
  return map(logSoftmax(x, dimension), std::exp);
}

Tensor l2Normalize(const Tensor& x, int64_t dimension, double epsilon) {
  const DimensionView view(x.shape(), dimension);
  Tensor y(x.element(), x.shape());
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      double sum = 0;
      for (int64_t l = 0; l < view.length; ++l)
        sum += scalar::square(x.reals()[view.flat(o, l, i)]);
      const double norm = std::max(std::sqrt(sum), epsilon);
      for (int64_t l = 0; l < view.length; ++l)
        y.reals()[view.flat(o, l, i)] = x.reals()[view.flat(o, l, i)] / norm;
    }
  return y;
}

Tensor maskedMean(const Tensor& x, int64_t valid) {
  Tensor y(x.element(), Shape(x.shape().begin() + 1, x.shape().end()));
  const int64_t rows = std::clamp<int64_t>(valid, 0, x.dim(0));
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t c = 0; c < y.size(); ++c)
      y.reals()[c] += x.reals()[n * y.size() + c] / static_cast<double>(rows);
  return y;
}

} // namespace tailor::backend::reference
