#include "frontend/losses/softmax_cross_entropy.h"

#include "frontend/graph/batch_rows.h"
#include "frontend/graph/trace.h"
#include "frontend/losses/reduce_rows.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/loss.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

namespace tailor::losses {

namespace {

/// One number per class; a scalar means the same for all. Dumps call it `name`.
Array table_of(const std::optional<Operand>& table, const char* name, std::int64_t num_classes,
               const Location& location) {
  if (!table) return {};
  Array value = detail::value_of(table->is_literal() ? *table : Operand(table->array(), location));
  return value.rank() == 0 ? broadcast_to(Operand(value, location), {num_classes}) : named(value, name);
}

/// Rows that count: as asked for, else those of the batch that the logits come from.
Array valid_of(std::string_view op, const LossOptions& options, const Array& logits,
               const Location& location) {
  if (!options.valid.empty()) {
    require_batch_rows(op, logits, options.valid, location);
    return options.valid;
  }
  const BatchRows rows = batch_rows(logits);
  if (!rows.has(0)) return {};
  if (logits.shape()[0] != rows.count)
    detail::fail(op,
                 "logits " + to_string(logits.type()) + " are no row for each of the batch's " +
                     std::to_string(rows.count) + ": which of them are padding?",
                 location, "take the loss of each part, or give .valid");
  return Trace::require(op, location).control("valid", {DType::i32, {}}, location);
}

CrossEntropyOperands operands_of(std::string_view op, const LossOptions& options, const Array& logits,
                                 std::int64_t num_classes, const Location& location) {
  CrossEntropyOperands operands;
  operands.labels_b = options.labels_b;
  operands.lambda = options.lambda;
  operands.weights = table_of(options.class_weights, "class_weights", num_classes, location);
  operands.smoothing = table_of(options.smoothing, "smoothing", num_classes, location);
  operands.margin = table_of(options.margin, "margin", num_classes, location);
  operands.bias = table_of(options.bias, "logit_bias", num_classes, location);
  operands.valid = valid_of(op, options, logits, location);
  return operands;
}

Array column(const Array& x) {
  return reshape(x, {x.shape()[0], 1});
}

/// (1 - eps[y]) onehot(y) + eps[y] / K: [N, K].
Array target_of(const Array& labels, const Array& smoothing, std::int64_t num_classes, DType dtype) {
  Array q = one_hot(labels, num_classes, dtype);
  if (smoothing.empty()) return q;
  Array eps = column(take(smoothing, labels));
  return (1.0 - eps) * q + eps / static_cast<double>(num_classes);
}

/// The class weight of each row, mixed as its labels are; empty without class weights.
Array class_weight_of_rows(const Array& labels, const CrossEntropyOperands& operands) {
  if (operands.weights.empty()) return {};
  Array w = take(operands.weights, labels);
  if (operands.labels_b.empty()) return w;
  return operands.lambda * w + (1.0 - operands.lambda) * take(operands.weights, operands.labels_b);
}

/// Reduces the rows' losses, each with its weight v. `class_weights` [N] or empty.
Array reduce_weighted(std::string_view op, const Array& rows, const Array& class_weights,
                      const LossOptions& options, const Array& valid, const Location& location) {
  const Array& v = options.row_weights;
  require_row_weights(op, v, rows.type(), location);
  return reduce_rows(op, v * rows, class_weights.empty() ? v : v * class_weights, options.reduction, valid,
                     location);
}

/// The options of one label slot: a loss for each row, without its row weight.
LossOptions slot_of(const LossOptions& options) {
  LossOptions slot = options;
  slot.labels_b = slot.lambda = slot.row_weights = slot.row_weights_b = Array();
  slot.reduction = Reduction::none;
  return slot;
}

/// Two label slots with a row weight each; `first` and `second` are their losses [N].
Array reduce_slots(std::string_view op, const Array& first, const Array& second, const Array& labels,
                   const CrossEntropyOperands& operands, const LossOptions& options,
                   const Location& location) {
  require_row_weights(op, options.row_weights, first.type(), location);
  require_row_weights(op, options.row_weights_b, first.type(), location);
  const Array v_a = options.lambda * options.row_weights,
              v_b = (1.0 - options.lambda) * options.row_weights_b;
  const Array& w = operands.weights;
  const Array share = w.empty() ? v_a + v_b : v_a * take(w, labels) + v_b * take(w, options.labels_b);
  return reduce_rows(op, v_a * first + v_b * second, share, options.reduction, operands.valid, location);
}

CrossEntropyOptions op_options_of(const LossOptions& options) {
  CrossEntropyOptions result;
  result.focal_gamma = options.focal_gamma;
  result.focal_of_weighted = options.focal_of_weighted;
  result.scale = options.scale;
  result.reduction = options.row_weights.empty() ? options.reduction : Reduction::none;
  return result;
}

} // namespace

Array softmax_cross_entropy(const Operand& logits, const Operand& labels, const LossOptions& options) {
  constexpr std::string_view op = "softmax_cross_entropy";
  const Location& location = logits.location();
  LocationScope scope(location);
  Array z = detail::value_of(logits);
  detail::require_rank(op, "logits", z, 2, location);
  const std::int64_t num_classes = z.shape()[1];
  require_slots(op, options, location);
  if (options.mixed == MixedLabels::soft && !options.labels_b.empty()) {
    if (options.margin)
      detail::fail(op, "a margin belongs to one label and has no soft form", location,
                   "mix the labels slotwise");
    if (options.lambda.empty()) detail::fail(op, "mixed labels need both labels_b and lambda", location);
    const Array smoothing = table_of(options.smoothing, "smoothing", num_classes, location);
    Array share = column(options.lambda), rest = 1.0 - share;
    LossOptions soft = options;
    soft.labels_b = soft.lambda = Array();
    soft.smoothing = std::nullopt;
    if (!options.row_weights_b.empty()) {
      if (options.focal_of_weighted)
        detail::fail(op, "the focal of a weighted loss does not scale with the mass of a soft target",
                     location, "mix the labels slotwise");
      const TensorType rows{z.dtype(), {z.shape()[0]}};
      require_row_weights(op, options.row_weights, rows, location);
      require_row_weights(op, options.row_weights_b, rows, location);
      share = share * column(options.row_weights);
      rest = rest * column(options.row_weights_b);
      soft.row_weights = soft.row_weights_b = Array();
    }
    return soft_cross_entropy(logits,
                              share * target_of(detail::value_of(labels), smoothing, num_classes, z.dtype()) +
                                  rest * target_of(options.labels_b, smoothing, num_classes, z.dtype()),
                              soft);
  }
  const CrossEntropyOperands operands = operands_of(op, options, z, num_classes, location);
  if (!options.row_weights_b.empty()) {
    const LossOptions slot = slot_of(options);
    return reduce_slots(op, softmax_cross_entropy(logits, labels, slot),
                        softmax_cross_entropy(logits, options.labels_b, slot), detail::value_of(labels),
                        operands, options, location);
  }
  Array loss = softmax_cross_entropy_op(logits, labels, operands, op_options_of(options));
  if (options.row_weights.empty()) return loss;
  return reduce_weighted(op, loss, class_weight_of_rows(detail::value_of(labels), operands), options,
                         operands.valid, location);
}

Array soft_cross_entropy(const Operand& logits, const Operand& targets, const LossOptions& options) {
  constexpr std::string_view op = "soft_cross_entropy";
  const Location& location = logits.location();
  LocationScope scope(location);
  Array z = detail::value_of(logits);
  detail::require_rank(op, "logits", z, 2, location);
  if (options.margin || options.smoothing || !options.labels_b.empty() || !options.lambda.empty() ||
      !options.row_weights_b.empty())
    detail::fail(op, "targets take no margin, smoothing or second label", location,
                 "smooth and mix the targets themselves");
  if (options.reduction == Reduction::weighted_mean)
    detail::fail(op, "has no weighted_mean: a target of several classes has no one weight to divide by",
                 location, "use batch_mean");
  CrossEntropyOperands operands = operands_of(op, options, z, z.shape()[1], location);
  operands.soft = stop_gradient(targets);
  Array loss = softmax_cross_entropy_op(logits, targets, operands, op_options_of(options));
  return options.row_weights.empty() ? loss
                                     : reduce_weighted(op, loss, {}, options, operands.valid, location);
}

Array sigmoid_cross_entropy(const Operand& logits, const Operand& labels, const LossOptions& options) {
  const Location& location = logits.location();
  LocationScope scope(location);
  if (options.margin || options.bias || options.focal_gamma != 0 || options.focal_of_weighted ||
      options.scale != 1 || options.mixed == MixedLabels::soft)
    detail::fail("sigmoid_cross_entropy",
                 "the one-logit form has no margin, bias, focal term, scale or soft form of mixed labels",
                 location, "use two logits and softmax_cross_entropy");
  Array z = detail::value_of(logits);
  if (z.rank() == 2 && z.shape()[1] == 1) z = reshape(Operand(z, location), {z.shape()[0]});
  require_slots("sigmoid_cross_entropy", options, location);
  const CrossEntropyOperands operands = operands_of("sigmoid_cross_entropy", options, z, 2, location);
  if (!options.row_weights_b.empty()) {
    const LossOptions slot = slot_of(options);
    return reduce_slots("sigmoid_cross_entropy", sigmoid_cross_entropy(logits, labels, slot),
                        sigmoid_cross_entropy(logits, options.labels_b, slot), detail::value_of(labels),
                        operands, options, location);
  }
  Array loss = sigmoid_cross_entropy_op(Operand(z, location), labels, operands, op_options_of(options));
  if (options.row_weights.empty()) return loss;
  return reduce_weighted("sigmoid_cross_entropy", loss,
                         class_weight_of_rows(detail::value_of(labels), operands), options, operands.valid,
                         location);
}

} // namespace tailor::losses
