#include "backend/reference/Tensor.h"

#include <bit>
#include <cmath>

namespace tailor::backend::reference {

std::string toString(Element element) {
  switch (element) {
  case Element::f64:
    return "f64";
  case Element::f32:
    return "f32";
  case Element::bf16:
    return "bf16";
  case Element::i64:
    return "i64";
  case Element::i32:
    return "i32";
  case Element::i1:
    return "i1";
  case Element::u8:
    return "ui8";
  }
  return "unknown";
}

std::string toString(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (int64_t dimension : shape)
    text += (text.empty() ? "" : "x") + std::to_string(dimension);
  return text;
}

int64_t numElements(const Shape& shape) {
  int64_t count = 1;
  for (int64_t dimension : shape)
    count *= dimension;
  return count;
}

Shape stridesOf(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

Tensor::Tensor(Element element, Shape shape)
    : element_(element), shape_(std::move(shape)), size_(numElements(shape_)) {
  if (isReal())
    reals_.assign(size_, 0.0);
  else
    integers_.assign(size_, 0);
}

Tensor Tensor::real(Shape shape, std::vector<double> values, Element element) {
  Tensor result(element, {0});
  result.shape_ = std::move(shape);
  result.size_ = numElements(result.shape_);
  assert(result.size_ == static_cast<int64_t>(values.size()) && reference::isReal(element));
  result.reals_ = std::move(values);
  return result;
}

Tensor Tensor::integer(Shape shape, std::vector<int64_t> values, Element element) {
  Tensor result(element, {0});
  result.shape_ = std::move(shape);
  result.size_ = numElements(result.shape_);
  assert(result.size_ == static_cast<int64_t>(values.size()) && !reference::isReal(element));
  result.integers_ = std::move(values);
  return result;
}

Tensor Tensor::filled(Element element, Shape shape, double value) {
  Tensor result(element, std::move(shape));
  for (int64_t i = 0; i < result.size(); ++i)
    result.set(i, value);
  return result;
}

double Tensor::at(int64_t flat) const {
  return isReal() ? reals_[flat] : static_cast<double>(integers_[flat]);
}

int64_t Tensor::integerAt(int64_t flat) const {
  return isReal() ? static_cast<int64_t>(reals_[flat]) : integers_[flat];
}

void Tensor::set(int64_t flat, double value) {
  if (isReal())
    reals_[flat] = value;
  else
    integers_[flat] = static_cast<int64_t>(value);
}

void Tensor::copyFrom(int64_t flat, const Tensor& source, int64_t sourceFlat) {
  assert(isReal() == source.isReal());
  if (isReal())
    reals_[flat] = source.reals_[sourceFlat];
  else
    integers_[flat] = source.integers_[sourceFlat];
}

Tensor Tensor::reshaped(Shape shape) const {
  assert(numElements(shape) == size_);
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

void Tensor::roundToElement() {
  if (element_ == Element::f32)
    for (double& value : reals_)
      value = roundToF32(value);
  if (element_ == Element::bf16)
    for (double& value : reals_)
      value = roundToBf16(value);
}

double roundToF32(double value) {
  return static_cast<float>(value);
}

/// To the numbers of f32 whose low `dropped` bits are 0.
static double roundFraction(double value, int dropped) {
  // Through f32 with round-to-odd, so that the two roundings together equal one rounding to nearest even.
  const float nearest = static_cast<float>(value);
  if (!std::isfinite(nearest)) return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (static_cast<double>(nearest) != value) {
    if (std::abs(static_cast<double>(nearest)) > std::abs(value)) --bits; // the f32 towards zero
    bits |= 1;
  }
  const uint32_t half = 1u << (dropped - 1);
  bits += half - 1 + ((bits >> dropped) & 1);
  return std::bit_cast<float>(bits & ~(2 * half - 1));
}

double roundToBf16(double value) {
  return roundFraction(value, 16);
}

double roundToTf32(double value) {
  return roundFraction(value, 13);
}

void forEachIndex(const Shape& shape,
                  const std::function<void(std::span<const int64_t> index, int64_t flat)>& visit) {
  const int64_t count = numElements(shape);
  Shape index(shape.size(), 0);
  for (int64_t flat = 0; flat < count; ++flat) {
    visit(index, flat);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
}

DimensionView::DimensionView(const Shape& shape, int64_t dimension) : length(shape[dimension]) {
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    if (d < dimension) outer *= shape[d];
    if (d > dimension) inner *= shape[d];
  }
}

} // namespace tailor::backend::reference
