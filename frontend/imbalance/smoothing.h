#pragma once

#include "frontend/array.h"

#include <string_view>

namespace tailor::imbalance {

enum class SmoothingProfile : std::uint8_t {
  uniform,     ///< eps
  one_minus_p, ///< eps (1 - p_i) / (1 - 1/K): more for rare classes, eps when balanced (default)
  eq6_literal, ///< eps / (1 - p_i): as printed in the paper; grows with frequency (methods.md 16, C2)
  inv_p        ///< eps / (K p_i)
};
SmoothingProfile smoothing_profile_from_name(std::string_view name, const Location& location = {});

/// Label smoothing per class: [K] f32, clipped to [0, eps_max]. Source: methods.md 2.5.
Array class_smoothing(const Operand& counts, const Operand& eps, SmoothingProfile profile,
                      const Operand& eps_max = 0.5);

} // namespace tailor::imbalance
