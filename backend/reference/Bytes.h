#pragma once

#include "backend/reference/Tensor.h"
#include "runtime/artifact/spec.h"

#include <cstddef>
#include <span>

/// The border between doubles and the runtime's own types: rings, slots, states and outputs as bytes.
namespace tailor::backend::reference {

[[nodiscard]] Element elementOf(runtime::DType dtype);
[[nodiscard]] runtime::DType dtypeOf(Element element);

/// Reads numElements(shape) elements of `dtype`, row-major. `bytes` holds exactly these.
[[nodiscard]] Tensor fromBytes(std::span<const std::byte> bytes, runtime::DType dtype, Shape shape);
/// Writes all elements of `tensor` as `dtype` (real to real rounds to nearest even). `bytes` is exactly that
/// long.
void toBytes(const Tensor& tensor, runtime::DType dtype, std::span<std::byte> bytes);

} // namespace tailor::backend::reference
