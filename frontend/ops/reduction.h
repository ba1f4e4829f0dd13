#pragma once

#include "frontend/graph/array.h"

/// Reductions. Axes may be negative; without axes everything is reduced to a scalar. `keep` leaves extent 1.
///
/// Along an axis that runs over the rows of a batch only those that count take part (Batch::valid): `mean` is the mean
/// of these, `sum` their sum, `max`, `min` and `argmax` look at nothing else, `softmax` and its kin share among them,
/// `sort_perm` puts the others behind. Of no rows the sum and the mean are 0. all_rows(x) counts padding too. An axis in
/// which the rows are no longer in order (two views one after the other, rows and classes in one axis) is a TraceError.
namespace tailor {

Array sum(const Operand& x);
Array sum(const Operand& x, const Axes& axes, bool keep = false);
Array mean(const Operand& x);
Array mean(const Operand& x, const Axes& axes, bool keep = false);
Array max(const Operand& x);
Array max(const Operand& x, const Axes& axes, bool keep = false);
Array min(const Operand& x);
Array min(const Operand& x, const Axes& axes, bool keep = false);

/// Index of the first maximum along `axis`: i32.
Array argmax(const Operand& x, int axis);
/// i32 permutation that sorts x [N] ascending; equal keys keep their order.
Array sort_perm(const Operand& x);
/// log sum exp along `axis`, shifted by the maximum.
Array logsumexp(const Operand& x, int axis);
Array softmax(const Operand& x, int axis);
Array log_softmax(const Operand& x, int axis);
/// x / max(|x|, 1e-12), norm along `axis`.
Array l2_normalize(const Operand& x, int axis);

/// Mean of x [N] over the first `valid` rows; 0 when valid is 0. TraceError where `valid` is the batch's and axis 0
/// is known not to be its rows.
Array masked_mean(const Operand& x, const Operand& valid);

} // namespace tailor
