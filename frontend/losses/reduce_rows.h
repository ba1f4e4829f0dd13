#pragma once
/// What the losses of this folder share: how the losses of rows become that of a batch.

#include "frontend/losses/softmax_cross_entropy.h"

namespace tailor::losses {

/// Reduces losses of rows [N] that are weighted already. `share` [N]: of each row in the Z of weighted_mean. Rows from
/// `valid` on, if given, count for nothing. 0 / 0 is 0.
Array reduce_rows(std::string_view op, const Array& rows, const Array& share, Reduction reduction,
                  const Array& valid, const Location& location);

/// TraceError unless `weights` are one number for each row, of the type of the rows' losses.
void require_row_weights(std::string_view op, const Array& weights, const TensorType& rows,
                         const Location& location);

/// TraceError if there are weights of a second slot and no two slots.
void require_slots(std::string_view op, const LossOptions& options, const Location& location);

} // namespace tailor::losses
