#pragma once
#include <cstdint>

namespace tailor::runtime {

enum class DType : std::uint8_t {
  kF32,
  kBF16,
  kF64,
  kI32,
  kI64,
  kI1, ///< one byte, 0 or 1
  kU8, ///< 0 to 255: images
};
std::uint64_t dtype_bytes(DType dtype);
/// "f32", "bf16", ...: the spelling of the dialect.
const char* to_string(DType dtype);

} // namespace tailor::runtime
