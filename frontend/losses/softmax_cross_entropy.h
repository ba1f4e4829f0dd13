#pragma once

#include "frontend/graph/array.h"

#include <optional>

namespace tailor::losses {

/// How two labels of a mixed row enter the loss (2.7): as two losses, or as one target.
enum class MixedLabels : std::uint8_t { slotwise, soft };

/// Options of the cross-entropies. Tables are [K] or one number for all classes; empty leaves a term out.
struct LossOptions {
  std::optional<Operand> class_weights = std::nullopt; ///< w, methods.md 2.2
  std::optional<Operand> smoothing = std::nullopt;     ///< eps in [0, 1], methods.md 2.5
  std::optional<Operand> margin = std::nullopt;        ///< m, subtracted from the true class (LDAM, 2.4)
  std::optional<Operand> bias = std::nullopt;          ///< b, added to the logits (2.5b)
  Array labels_b = {};                                 ///< second label slot [N] i32 (mixing) and
  Array lambda = {};                                   ///< f32 [N]: the share of the first (2.7)
  MixedLabels mixed = MixedLabels::slotwise;
  Array row_weights = {}; ///< v, f32 [N]: multiplies a row's loss, and its share of weighted_mean's Z (2.2)
  /// v_b, f32 [N]: of the second label slot, beside row_weights of the first (2.7). Default: row_weights are of the mixed
  /// row.
  Array row_weights_b = {};
  /// i32 []: rows from here on count for nothing. Default in a step: the batch's, when the logits are one row for
  /// each of its; outside of any step every row counts.
  Array valid = {};
  double focal_gamma = 0;         ///< 0 = no focal term (2.3)
  bool focal_of_weighted = false; ///< focal of w * CE in place of w * focal (LDAM authors)
  double scale = 1;               ///< s, multiplies logits after margin and bias
  Reduction reduction = Reduction::batch_mean;
};

/// Class-aware cross-entropy of softmax(s (z + b - m[y] onehot(y))).
///
///   loss[n] = -w[y] sum_k q[k] log p[n, k],   q[k] = (1 - eps[y]) (k == y) + eps[y] / K,   y = labels[n]
///   focal   multiplies by (1 - p[y])^gamma (class weight outside, unless focal_of_weighted)
///   mixing  lambda * loss(labels) + (1 - lambda) * loss(labels_b); in the soft form soft_cross_entropy of
///           lambda q(labels) + (1 - lambda) q(labels_b)
///   weights v * loss; with row_weights_b  lambda v loss(labels) + (1 - lambda) v_b loss(labels_b), in the soft form
///           the target lambda v q(labels) + (1 - lambda) v_b q(labels_b)
///
/// Shapes     logits [N, K], labels [N] i32; tables [K] f32 -> f32 [], or [N] for Reduction::none.
/// Reduction  batch_mean: / valid rows; weighted_mean: / sum of v w[y]; sum: as it is. 0 / 0 is 0.
/// Gradient   with respect to logits and bias; the other tables are constants.
/// Errors     TraceError if K differs between logits and a table, or labels are not i32 [N]; the soft form with a
///            margin or weighted_mean, or with focal_of_weighted and row_weights_b; row_weights_b without labels_b.
/// Source     methods.md 2.
Array softmax_cross_entropy(const Operand& logits, const Operand& labels, const LossOptions& options = {});

/// The same against a target of any mass per row: loss[n] = sum_k w[k] q[n, k] (1 - p[n, k])^gamma (-log p[n, k]).
///
/// Shapes     logits and targets [N, K]; tables [K] f32 -> f32 [], or [N] for Reduction::none.
/// Reduction  batch_mean: / valid rows, whatever the weights, as frameworks do with such targets; sum; none.
/// Gradient   with respect to logits and bias; targets are constants.
/// Errors     TraceError: weighted_mean; a margin (it belongs to one label); smoothing and mixed labels (make the
///            targets so); focal_of_weighted is the focal of sum_k w[k] q[n, k] (-log p[n, k]).
/// Source     methods.md 2.1, 2.3, 2.7.
Array soft_cross_entropy(const Operand& logits, const Operand& targets, const LossOptions& options = {});

/// One-logit binary form: target of class c is (c == 1) (1 - eps[c]) + eps[c] / 2.
/// Shapes   logits [N] or [N, 1], labels [N] i32 in {0, 1}; tables [2]. margin, bias, focal, scale,
///          the soft form: TraceError.
/// Source   methods.md 2.5 (binary).
Array sigmoid_cross_entropy(const Operand& logits, const Operand& labels, const LossOptions& options = {});

} // namespace tailor::losses
