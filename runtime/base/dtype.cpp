#include "runtime/base/dtype.h"

namespace tailor::runtime {

std::uint64_t dtype_bytes(DType dtype) {
  switch (dtype) {
  case DType::kF64:
  case DType::kI64:
    return 8;
  case DType::kF32:
  case DType::kI32:
    return 4;
  case DType::kBF16:
    return 2;
  case DType::kI1:
  case DType::kU8:
    return 1;
  }
  return 0;
}

const char* to_string(DType dtype) {
  switch (dtype) {
  case DType::kF32:
    return "f32";
  case DType::kBF16:
    return "bf16";
  case DType::kF64:
    return "f64";
  case DType::kI32:
    return "i32";
  case DType::kI64:
    return "i64";
  case DType::kI1:
    return "i1";
  case DType::kU8:
    return "u8";
  }
  return "unknown";
}

} // namespace tailor::runtime
