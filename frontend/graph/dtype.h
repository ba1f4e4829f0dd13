#pragma once

#include <cstdint>
#include <string_view>

namespace tailor {

/// Element types of the dialect. A scalar literal takes the type of the array it meets. u8 is what images are held in:
/// programs see them normalised (Batch::image).
enum class DType : std::uint8_t { f32, bf16, f64, i32, i64, i1, u8 };

/// "f32", "bf16", ...: the spelling of the dialect and of every message.
std::string_view to_string(DType dtype);

constexpr bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f64;
}

/// Can be computed with.
constexpr bool is_number(DType dtype) {
  return dtype != DType::i1 && dtype != DType::u8;
}

} // namespace tailor
