#include "frontend/losses/softmax_cross_entropy.h"

#include "frontend/batch_rows.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/loss.h"
#include "frontend/ops/shaping.h"
#include "frontend/trace.h"

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

} // namespace

Array softmax_cross_entropy(const Operand& logits, const Operand& labels, const LossOptions& options) {
  LocationScope scope(logits.location());
  Array z = detail::value_of(logits);
  detail::require_rank("softmax_cross_entropy", "logits", z, 2, logits.location());
  CrossEntropyOptions op_options;
  op_options.focal_gamma = options.focal_gamma;
  op_options.focal_of_weighted = options.focal_of_weighted;
  op_options.scale = options.scale;
  op_options.reduction = options.reduction;
  return softmax_cross_entropy_op(
      logits, labels, operands_of("softmax_cross_entropy", options, z, z.shape()[1], logits.location()),
      op_options);
}

Array sigmoid_cross_entropy(const Operand& logits, const Operand& labels, const LossOptions& options) {
  const Location& location = logits.location();
  LocationScope scope(location);
  if (options.margin || options.bias || options.focal_gamma != 0 || options.focal_of_weighted ||
      options.scale != 1)
    detail::fail("sigmoid_cross_entropy", "the one-logit form has no margin, bias, focal term or scale",
                 location, "use two logits and softmax_cross_entropy");
  Array z = detail::value_of(logits);
  if (z.rank() == 2 && z.shape()[1] == 1) z = reshape(Operand(z, location), {z.shape()[0]});
  CrossEntropyOptions op_options;
  op_options.reduction = options.reduction;
  return sigmoid_cross_entropy_op(Operand(z, location), labels,
                                  operands_of("sigmoid_cross_entropy", options, z, 2, location), op_options);
}

} // namespace tailor::losses
