#pragma once

#include "frontend/losses/softmax_cross_entropy.h"

namespace tailor::losses {

/// The loss of a batch from the loss of each of its rows, weighted and divided as the cross-entropies are:
///
///   1/Z sum_n w[y] rows[n],   mixed rows: 1/Z sum_n lambda w[y] rows[n] + (1 - lambda) w[y_b] rows_b[n]
///
/// each term times the row's weight: options.row_weights, and of the second slot options.row_weights_b if there are.
/// `rows_b` are the losses of the same rows by options.labels_b, or empty. Rows from options.valid on count for nothing.
///
/// Shapes     rows f32 [N], labels [N] i32 -> f32 [].
/// Reduction  batch_mean: Z = valid rows; weighted_mean: Z = the sum of what stands before the losses; sum: 1. 0 / 0 is 0.
/// Errors     TraceError for smoothing, margin, bias, focal term, scale and the soft form of mixed labels, which are part
///            of a row's loss; for Reduction::none; for row weights that are not one number per row.
/// Source     methods.md 2.2, 2.7.
Array loss_of_rows(const Array& rows, const Array& rows_b, const Operand& labels, const LossOptions& options);

} // namespace tailor::losses
