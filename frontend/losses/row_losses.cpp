#include "frontend/losses/row_losses.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

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
  const auto counted = [&](const Array& x) {
    return options.valid.empty() ? x : where(row_mask(options.valid, rows.shape()[0]), x, 0.0);
  };
  const bool is_weighted = !table.empty() || !options.row_weights.empty();
  switch (options.reduction) {
  case Reduction::weighted_mean:
    if (is_weighted) {
      const Array total = sum(counted(weight));
      return sum(counted(weighted)) / where(compare(total, 0.0, Comparison::eq), 1.0, total); // 0 / 0 is 0
    }
    [[fallthrough]]; // each row weighs 1
  case Reduction::batch_mean:
    return options.valid.empty() ? mean(weighted) : masked_mean(weighted, options.valid);
  case Reduction::sum:
    return sum(counted(weighted));
  case Reduction::none:
    break;
  }
  detail::fail(kOp, "gives one number: its losses of the rows are there already", location);
}

} // namespace tailor::losses
