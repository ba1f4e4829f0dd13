#pragma once

#include "frontend/array.h"

#include <string_view>

namespace tailor::imbalance {

enum class AscentTable : std::uint8_t {
  inv_max,     ///< n_max / n_i (default; the authors' code)
  inv_p,       ///< 1 / (K p_i)
  one_minus_p, ///< (1 - p_i) / (1 - 1/K)
  eq5_literal, ///< 1 / (1 - p_i) as printed, times (1 - 1/K); favours frequent classes (methods.md 16, C1)
  effective    ///< effective number of samples, sums to K
};
AscentTable ascent_table_from_name(std::string_view name, const Location& location = {});

/// The table a_i of SAM-A's ascent loss, scaled so that balanced data give 1: [K] f32. Only its direction
/// matters for SamRadius::fixed. Source: methods.md 5.2.
Array ascent_table(const Operand& counts, AscentTable table, const Operand& beta = 0.9999);

} // namespace tailor::imbalance
