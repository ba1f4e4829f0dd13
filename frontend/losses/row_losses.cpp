#include "frontend/losses/row_losses.h"

#include "frontend/losses/reduce_rows.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"

namespace tailor::losses {

namespace {

constexpr std::string_view kOp = "loss_of_rows";

/// The product of those that there are; empty: 1.
Array times(const Array& a, const Array& b) {
  return a.empty() ? b : b.empty() ? a : a * b;
}

} // namespace

Array loss_of_rows(const Array& rows, const Array& rows_b, const Operand& labels,
                   const LossOptions& options) {
  const Location& location = labels.location();
  LocationScope scope(location);
  if (options.smoothing || options.margin || options.bias || options.focal_gamma != 0 || options.scale != 1)
    detail::fail(kOp, "smoothing, margin, bias, focal term and scale are part of a row's loss", location);
  if (options.mixed == MixedLabels::soft && !options.labels_b.empty())
    detail::fail(kOp, "a loss of one label has no soft form of mixed ones", location,
                 "mix the labels slotwise");
  if (options.labels_b.empty() != rows_b.empty() || options.labels_b.empty() != options.lambda.empty())
    detail::fail(kOp, "mixed rows have labels_b, lambda and the losses by labels_b", location);
  if (options.reduction == Reduction::none)
    detail::fail(kOp, "gives one number: its losses of the rows are there already", location);
  require_slots(kOp, options, location);
  for (const Array* weights : {&options.row_weights, &options.row_weights_b})
    if (!weights->empty()) require_row_weights(kOp, *weights, rows.type(), location);
  const Array table = options.class_weights ? detail::value_of(*options.class_weights) : Array();
  // What stands before the loss of a row by one of its labels.
  const auto weight_of = [&](const Array& slot, const Array& share, const Array& row_weights) {
    return times(share, times(row_weights, table.empty() ? Array() : take(table, slot)));
  };
  const Array share_b = options.lambda.empty() ? Array() : 1.0 - options.lambda;
  Array weight = weight_of(detail::value_of(labels), options.lambda, options.row_weights);
  Array weighted = times(weight, rows);
  if (!rows_b.empty()) {
    const Array weight_b =
        weight_of(options.labels_b, share_b,
                  options.row_weights_b.empty() ? options.row_weights : options.row_weights_b);
    weighted = weighted + weight_b * rows_b;
    weight = weight + weight_b;
  }
  const bool each_weighs_one = table.empty() && options.row_weights.empty();
  const Reduction reduction = each_weighs_one && options.reduction == Reduction::weighted_mean
                                  ? Reduction::batch_mean
                                  : options.reduction;
  return reduce_rows(kOp, weighted, weight, reduction, options.valid, location);
}

} // namespace tailor::losses
