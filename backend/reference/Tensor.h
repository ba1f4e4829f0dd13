#pragma once

#include <cassert>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

/// Values of the reference: a shape, an element type and one flat row-major array.
namespace tailor::backend::reference {

using Shape = std::vector<int64_t>;

/// Element types of the dialect. Real types are all *stored* as double; which one was declared only matters
/// where a result is rounded (Interpreter option roundAtStores) and where a buffer is exported.
enum class Element : uint8_t { f64, f32, bf16, i64, i32, i1, u8 };

[[nodiscard]] constexpr bool isReal(Element element) {
  return element <= Element::bf16;
}
[[nodiscard]] std::string toString(Element element);
[[nodiscard]] std::string toString(const Shape& shape); ///< "64x10", "scalar"
[[nodiscard]] int64_t numElements(const Shape& shape);
/// Row-major element strides: strides.back() == 1.
[[nodiscard]] Shape stridesOf(const Shape& shape);

/// A dense tensor. Real elements live in reals(), integer, i1 and u8 elements in integers() (i1 as 0 or 1).
/// Rank 0 is a scalar with one element; a dimension of 0 makes an empty tensor.
class Tensor {
public:
  Tensor() : Tensor(Element::f64, {}) {}
  /// All zero.
  Tensor(Element element, Shape shape);

  static Tensor real(Shape shape, std::vector<double> values, Element element = Element::f64);
  static Tensor integer(Shape shape, std::vector<int64_t> values, Element element = Element::i32);
  static Tensor scalar(double value, Element element = Element::f64) { return real({}, {value}, element); }
  static Tensor filled(Element element, Shape shape, double value);

  [[nodiscard]] Element element() const { return element_; }
  [[nodiscard]] bool isReal() const { return reference::isReal(element_); }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  [[nodiscard]] int64_t dim(int64_t index) const { return shape_[index]; }
  [[nodiscard]] int64_t size() const { return size_; }

  [[nodiscard]] std::vector<double>& reals() { return assert(isReal()), reals_; }
  [[nodiscard]] const std::vector<double>& reals() const { return assert(isReal()), reals_; }
  [[nodiscard]] std::vector<int64_t>& integers() { return assert(!isReal()), integers_; }
  [[nodiscard]] const std::vector<int64_t>& integers() const { return assert(!isReal()), integers_; }

  /// One element as a double / as an integer, whatever the storage. i64 above 2^53 must be read with
  /// integerAt.
  [[nodiscard]] double at(int64_t flat) const;
  [[nodiscard]] int64_t integerAt(int64_t flat) const;
  /// Stores `value` in the tensor's own storage; an integer tensor truncates towards zero.
  void set(int64_t flat, double value);
  /// Copies one element of a tensor with the same kind of storage, exactly.
  void copyFrom(int64_t flat, const Tensor& source, int64_t sourceFlat);

  /// The same doubles declared as another real type.
  void declareAs(Element element) {
    assert(reference::isReal(element) && isReal());
    element_ = element;
  }
  /// The same elements in the same order under another shape of equal size.
  [[nodiscard]] Tensor reshaped(Shape shape) const;
  /// Rounds every real element to what the declared element type can hold (ties to even; f64 is left as it
  /// is).
  void roundToElement();

private:
  Element element_;
  Shape shape_;
  int64_t size_;
  std::vector<double> reals_;
  std::vector<int64_t> integers_;
};

/// The nearest f32, bf16 or tf32 (ties to even) as a double; NaN stays NaN, overflow becomes infinity.
[[nodiscard]] double roundToF32(double value);
[[nodiscard]] double roundToBf16(double value);
[[nodiscard]] double roundToTf32(double value);

/// Calls visit(index, flat) for every element of `shape` in row-major order.
void forEachIndex(const Shape& shape,
                  const std::function<void(std::span<const int64_t> index, int64_t flat)>& visit);

/// The outer x length x inner view of a shape around one dimension: element (o, l, i) is flat (o * length +
/// l) * inner + i.
struct DimensionView {
  int64_t outer = 1, length = 1, inner = 1;
  DimensionView(const Shape& shape, int64_t dimension);
  [[nodiscard]] int64_t flat(int64_t o, int64_t l, int64_t i) const { return (o * length + l) * inner + i; }
};

} // namespace tailor::backend::reference
