#include "frontend/ops/loss.h"

#include "frontend/ops/checks.h"

namespace tailor {

namespace {

using namespace detail;

/// Appends optional operands in the dialect's order and notes which are there.
class OperandList {
public:
  OperandList(std::string_view op, const Location& location) : op_(op), location_(location) {}

  bool add(const Array& operand, std::string_view what, const TensorType& type) {
    if (operand.empty()) return false;
    require_type(op_, what, operand, type, location_);
    inputs.push_back(operand);
    return true;
  }
  /// A [K] table; says both numbers when they differ.
  bool add_table(const Array& table, std::string_view what, std::int64_t num_classes) {
    if (table.empty()) return false;
    if (table.rank() != 1 || !is_float(table.dtype()))
      fail(op_, std::string(what) + " must be one number per class, not " + to_string(table.type()),
           location_);
    if (table.shape()[0] != num_classes)
      fail(op_,
           std::string(what) + " has " + std::to_string(table.shape()[0]) + " entries but there are " +
               std::to_string(num_classes) + " classes",
           location_);
    inputs.push_back(table);
    return true;
  }

  std::vector<Array> inputs;

private:
  std::string_view op_;
  Location location_;
};

TensorType loss_type(const Array& logits, Reduction reduction) {
  DType dtype = logits.dtype() == DType::bf16 ? DType::f32 : logits.dtype();
  return {dtype, reduction == Reduction::none ? Shape{logits.shape()[0]} : Shape{}};
}

} // namespace

Array softmax_cross_entropy_op(const Operand& logits, const Operand& labels,
                               const CrossEntropyOperands& operands, CrossEntropyOptions options) {
  constexpr std::string_view op = "softmax_cross_entropy";
  Array z = value_of(logits);
  const Location& location = logits.location();
  require_float(op, z, location);
  require_rank(op, "logits", z, 2, location);
  std::int64_t rows = z.shape()[0], num_classes = z.shape()[1];
  TensorType label_type{DType::i32, {rows}},
      row_type{z.dtype() == DType::bf16 ? DType::f32 : z.dtype(), {rows}};
  OperandList list(op, location);
  list.inputs.push_back(z);
  options.soft = !operands.soft.empty();
  options.mix = !operands.labels_b.empty() || !operands.lambda.empty();
  if (options.soft) {
    if (options.mix) fail(op, "soft targets and mixed labels exclude each other", location);
    list.add(operands.soft, "soft targets", z.type());
  } else {
    list.add(value_of(labels), "labels", label_type);
  }
  if (options.mix) {
    if (operands.labels_b.empty() || operands.lambda.empty())
      fail(op, "mixed labels need both labels_b and lambda", location);
    list.add(operands.labels_b, "labels_b", label_type);
    list.add(operands.lambda, "lambda", row_type);
  }
  options.weights = list.add_table(operands.weights, "class_weights", num_classes);
  options.smoothing = list.add_table(operands.smoothing, "smoothing", num_classes);
  options.margin = list.add_table(operands.margin, "margin", num_classes);
  options.bias = list.add_table(operands.bias, "bias", num_classes);
  options.valid = list.add(operands.valid, "valid", {DType::i32, {}});
  if (options.focal_gamma < 0)
    fail(op, "focal gamma must not be negative, it is " + std::to_string(options.focal_gamma), location);
  return record1(op, std::move(list.inputs), options, loss_type(z, options.reduction), location, "loss");
}

Array sigmoid_cross_entropy_op(const Operand& logits, const Operand& labels,
                               const CrossEntropyOperands& operands, CrossEntropyOptions options) {
  constexpr std::string_view op = "sigmoid_cross_entropy";
  Array z = value_of(logits);
  const Location& location = logits.location();
  require_float(op, z, location);
  require_rank(op, "logits", z, 1, location);
  TensorType label_type{DType::i32, z.shape()};
  OperandList list(op, location);
  list.inputs.push_back(z);
  list.add(value_of(labels), "labels", label_type);
  options.mix = !operands.labels_b.empty() || !operands.lambda.empty();
  if (options.mix) {
    if (operands.labels_b.empty() || operands.lambda.empty())
      fail(op, "mixed labels need both labels_b and lambda", location);
    list.add(operands.labels_b, "labels_b", label_type);
    list.add(operands.lambda, "lambda", z.type());
  }
  options.weights = list.add_table(operands.weights, "class_weights", 2);
  options.smoothing = list.add_table(operands.smoothing, "smoothing", 2);
  options.valid = list.add(operands.valid, "valid", {DType::i32, {}});
  return record1(op, std::move(list.inputs), options, loss_type(z, options.reduction), location, "loss");
}

} // namespace tailor
