#include "backend/reference/Bytes.h"

#include "backend/reference/Elementwise.h"

#include <bit>
#include <cstring>

namespace tailor::backend::reference {

using runtime::DType;

Element elementOf(DType dtype) {
  switch (dtype) {
  case DType::kF32:
    return Element::f32;
  case DType::kBF16:
    return Element::bf16;
  case DType::kF64:
    return Element::f64;
  case DType::kI32:
    return Element::i32;
  case DType::kI64:
    return Element::i64;
  case DType::kI1:
    return Element::i1;
  case DType::kU8:
    return Element::u8;
  }
  return Element::f64;
}

DType dtypeOf(Element element) {
  switch (element) {
  case Element::f64:
    return DType::kF64;
  case Element::f32:
    return DType::kF32;
  case Element::bf16:
    return DType::kBF16;
  case Element::i64:
    return DType::kI64;
  case Element::i32:
    return DType::kI32;
  case Element::i1:
    return DType::kI1;
  case Element::u8:
    return DType::kU8;
  }
  return DType::kF64;
}

namespace {

template <typename T> T loadAt(std::span<const std::byte> bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T> void storeAt(std::span<std::byte> bytes, int64_t i, T value) {
  std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
}

} // namespace

Tensor fromBytes(std::span<const std::byte> bytes, DType dtype, Shape shape) {
  Tensor tensor(elementOf(dtype), std::move(shape));
  assert(bytes.size() == tensor.size() * runtime::dtype_bytes(dtype));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    switch (dtype) {
    case DType::kF32:
      tensor.reals()[i] = loadAt<float>(bytes, i);
      break;
    case DType::kF64:
      tensor.reals()[i] = loadAt<double>(bytes, i);
      break;
    case DType::kBF16:
      tensor.reals()[i] = std::bit_cast<float>(uint32_t{loadAt<uint16_t>(bytes, i)} << 16);
      break;
    case DType::kI32:
      tensor.integers()[i] = loadAt<int32_t>(bytes, i);
      break;
    case DType::kI64:
      tensor.integers()[i] = loadAt<int64_t>(bytes, i);
      break;
    case DType::kI1:
      tensor.integers()[i] = loadAt<uint8_t>(bytes, i) != 0;
      break;
    case DType::kU8:
      tensor.integers()[i] = loadAt<uint8_t>(bytes, i);
      break;
    }
  }
  return tensor;
}

void toBytes(const Tensor& tensor, DType dtype, std::span<std::byte> bytes) {
  assert(bytes.size() == tensor.size() * runtime::dtype_bytes(dtype));
  const Tensor converted = cast(tensor, elementOf(dtype));
  for (int64_t i = 0; i < converted.size(); ++i) {
    switch (dtype) {
    case DType::kF32:
      storeAt(bytes, i, static_cast<float>(converted.reals()[i]));
      break;
    case DType::kF64:
      storeAt(bytes, i, converted.reals()[i]);
      break;
    case DType::kBF16: {
      const auto rounded = static_cast<float>(roundToBf16(converted.reals()[i]));
      storeAt(bytes, i, static_cast<uint16_t>(std::bit_cast<uint32_t>(rounded) >> 16));
      break;
    }
    case DType::kI32:
      storeAt(bytes, i, static_cast<int32_t>(converted.integers()[i]));
      break;
    case DType::kI64:
      storeAt(bytes, i, converted.integers()[i]);
      break;
    case DType::kI1:
    case DType::kU8:
      storeAt(bytes, i, static_cast<uint8_t>(converted.integers()[i]));
      break;
    }
  }
}

} // namespace tailor::backend::reference
