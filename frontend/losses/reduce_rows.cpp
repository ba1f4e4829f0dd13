#include "frontend/losses/reduce_rows.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

namespace tailor::losses {

Array reduce_rows(std::string_view op, const Array& rows, const Array& share, Reduction reduction,
                  const Array& valid, const Location& location) {
  const auto counted = [&](const Array& x) {
    return valid.empty() ? x : where(row_mask(valid, rows.shape()[0]), x, 0.0);
  };
  switch (reduction) {
  case Reduction::none:
    return counted(rows);
  case Reduction::sum:
    return sum(counted(rows));
  case Reduction::batch_mean:
    return valid.empty() ? mean(rows) : masked_mean(rows, valid);
  case Reduction::weighted_mean: {
    const Array weighted = counted(rows), total = sum(counted(share));
    return sum(weighted) / where(compare(total, 0.0, Comparison::eq), 1.0, total); // 0 / 0 is 0
  }
  }
  detail::fail(op, "unknown reduction", location);
}

void require_row_weights(std::string_view op, const Array& weights, const TensorType& rows,
                         const Location& location) {
  if (weights.type() == rows) return;
  detail::fail(op,
               "row weights must be one " + std::string(to_string(rows.dtype)) + " per row, " +
                   to_string(rows) + ", not " + to_string(weights.type()),
               location);
}

void require_slots(std::string_view op, const LossOptions& options, const Location& location) {
  if (options.row_weights_b.empty() ||
      !(options.row_weights.empty() || options.labels_b.empty() || options.lambda.empty()))
    return;
  detail::fail(op, "row_weights_b are of the second label: they need row_weights, labels_b and lambda",
               location);
}

} // namespace tailor::losses
