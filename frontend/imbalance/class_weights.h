#pragma once

#include "frontend/array.h"

#include <string_view>

/// Tables made of class counts. counts is f32 [K]; a class without samples counts as one sample, so every
/// table is finite. Formulas: methods.md 2.2, 2.5, 2.5b, 5.2; p_i = n_i / sum n.
namespace tailor::imbalance {

enum class WeightTable : std::uint8_t {
  inv_max,   ///< n_max / n_i                     (default of Reweighting; Shwartz-Ziv et al. code)
  inv_mean,  ///< K (1 / n_i) / sum_j (1 / n_j)    (M2m authors)
  effective, ///< (1 - beta) / (1 - beta^n_i), scaled to sum K (Cui et al. 2019; LDAM authors, beta 0.9999)
  sqrt_inv   ///< sqrt(n_max / n_i)
};
WeightTable weight_table_from_name(std::string_view name, const Location& location = {});

/// Class weights [K] f32. `beta` is used by `effective` only; 1 - beta^n is computed as -expm1(n log beta).
Array class_weights(const Operand& counts, WeightTable table, const Operand& beta = 0.9999);

/// p = n / sum n: [K], sums to 1.
Array class_prior(const Operand& counts);

/// tau log p_i: logit adjustment (Menon et al. 2021), added to the logits while training.
Array log_prior(const Operand& counts, const Operand& tau = 1.0);
/// log n_i: balanced softmax (Ren et al. 2020).
Array log_counts(const Operand& counts);

/// m_i = C / n_i^(1/4), C such that the largest is max_margin (LDAM, Cao et al. 2019).
Array ldam_margins(const Operand& counts, const Operand& max_margin = 0.5);

} // namespace tailor::imbalance
