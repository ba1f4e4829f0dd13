#pragma once

#include "runtime/artifact/spec.h"

#include <algorithm>
#include <cmath>

/// How far results of a back end may be from the reference after one step from the same state: the only place
/// where tolerances between back ends are written down.
namespace tailor::backend::reference {

struct Tolerance {
  double
      relative; ///< to the largest magnitude in the tensor: sums cancel, so single elements have no own scale
  double absolute;
};

[[nodiscard]] constexpr Tolerance toleranceOf(runtime::DType dtype) {
  switch (dtype) {
  // 24 bits round at 6e-8. A step chains about ten roundings behind sums of up to 1e4 terms (factor 100 if
  // errors are independent), and batch norm divides by a standard deviation (factor 10).
  case runtime::DType::kF32:
    return {1e-4, 1e-6};
  // 8 bits round at 4e-3, once per stored tensor; the same chain of ten.
  case runtime::DType::kBF16:
    return {4e-2, 1e-3};
  // 53 bits, the same argument as f32.
  case runtime::DType::kF64:
    return {1e-12, 1e-14};
  // Integers and truth values have no rounding.
  case runtime::DType::kI32:
  case runtime::DType::kI64:
  case runtime::DType::kI1:
  case runtime::DType::kU8:
    return {0, 0};
  }
  return {0, 0};
}

/// What a value of a tensor whose largest finite magnitude is `largest` may differ by.
[[nodiscard]] constexpr double allowedDifference(runtime::DType dtype, double largest) {
  const Tolerance tolerance = toleranceOf(dtype);
  return tolerance.relative * largest + tolerance.absolute;
}

/// Largest relative error of rounding to `dtype` once.
[[nodiscard]] constexpr double roundingOf(runtime::DType dtype) {
  switch (dtype) {
  case runtime::DType::kF32:
    return 0x1p-24;
  case runtime::DType::kBF16:
    return 0x1p-8;
  case runtime::DType::kF64:
    return 0x1p-53;
  case runtime::DType::kI32:
  case runtime::DType::kI64:
  case runtime::DType::kI1:
  case runtime::DType::kU8:
    return 0;
  }
  return 0;
}

/// What the next value of a parameter, slot or average may differ by: the change is held to the tolerance by its own
/// size, since it is far smaller than the value (a step of 1e-3 that is wrong by a tenth would pass at 1e-4 of a weight of
/// 1); beside it the value itself is rounded, in about four operations (decay, two products, a sum).
[[nodiscard]] constexpr double allowedDifferenceOfNext(runtime::DType dtype, double largestChange,
                                                       double largest) {
  return toleranceOf(dtype).relative * largestChange + 4 * roundingOf(dtype) * largest;
}

/// Equal within `allowed`; NaN equals NaN, an infinity only itself.
[[nodiscard]] inline bool isClose(double actual, double expected, double allowed) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected);
  return actual == expected || std::abs(actual - expected) <= allowed;
}

} // namespace tailor::backend::reference
