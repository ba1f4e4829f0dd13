#pragma once

#include "frontend/array.h"

/// Reductions. Axes may be negative; without axes everything is reduced to a scalar. `keep` leaves extent 1.
///
/// Along an axis that runs over the rows of a batch padding would count (Batch::valid): `mean` is refused with a
/// TraceError that names masked_mean, the others unless a mask filled the padding first,
/// where(row_mask(batch.valid, rows), x, value), with zeros for `sum` and `l2_normalize`.
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
/// i32 permutation that sorts x [N] ascending; equal keys keep their order. Rows of a batch: fill padding with
/// infinity first, and it stays behind the rows that count.
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
