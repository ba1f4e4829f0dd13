#pragma once

#include "frontend/imbalance/class_table_spec.h"

/// Tables made of class counts. counts is f32 [K]; a class without samples counts as one sample where it would divide,
/// so every table is finite. The formulas stand in frontend/imbalance/tables, one file each; p_i = n_i / sum n.
namespace tailor::imbalance {

/// Class weights [K] f32: inv_max, inv_mean, effective, sqrt_inv, or a registered one. `beta` is read by `effective` only.
/// Errors   TraceError: no such table, with the nearest. Source: methods.md 2.2.
Array class_weights(const Operand& counts, std::string_view table, const Operand& beta = 0.9999);

/// The table a_i of SAM-A's ascent loss, scaled so that balanced data give 1: [K] f32: inv_max, inv_p, one_minus_p,
/// eq5_literal, effective, or a registered one. Only its direction matters for SamRadius::fixed. Source: methods.md 5.2.
Array ascent_table(const Operand& counts, std::string_view table, const Operand& beta = 0.9999);

/// Label smoothing per class: [K] f32, clipped to [0, eps_max]: uniform, one_minus_p, eq6_literal, inv_p, las_concave,
/// las_linear, las_convex, or a registered one. `eps_tail` is read by the las profiles. Source: methods.md 2.5, 8.
Array class_smoothing(const Operand& counts, const Operand& eps, std::string_view profile,
                      const Operand& eps_max = 0.5, const Operand& eps_tail = 0.0);

/// n_i, an empty class counting as one sample.
Array at_least_one(const Operand& counts);

/// p = n / sum n: [K], sums to 1.
Array class_prior(const Operand& counts);

/// tau log p_i: logit adjustment (Menon et al. 2021), added to the logits while training.
Array log_prior(const Operand& counts, const Operand& tau = 1.0);
/// log n_i: balanced softmax (Ren et al. 2020).
Array log_counts(const Operand& counts);

/// m_i = C / n_i^(1/4), C such that the largest is max_margin (LDAM, Cao et al. 2019).
Array ldam_margins(const Operand& counts, const Operand& max_margin = 0.5);

} // namespace tailor::imbalance
