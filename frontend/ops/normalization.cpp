#include "frontend/ops/normalization.h"

#include "frontend/ops/checks.h"

namespace tailor {

namespace {

using namespace detail;

void check_channels(std::string_view op, const Array& x, std::initializer_list<const Array*> vectors,
                    const Location& location) {
  require_float(op, x, location);
  if (x.rank() < 2) fail(op, "expects rows of channels, not " + to_string(x.type()), location);
  std::int64_t channels = x.shape()[x.rank() - 1];
  // Vectors of a bf16 input may be its masters.
  auto fits = [&](DType dtype) {
    return dtype == x.dtype() || (x.dtype() == DType::bf16 && dtype == DType::f32);
  };
  for (const Array* vector : vectors)
    if (!(vector->shape() == Shape{channels}) || !fits(vector->dtype()))
      fail(op,
           to_string(x.type()) + " has " + std::to_string(channels) +
               " channels but a per-channel operand is " + to_string(vector->type()),
           location);
}

} // namespace

BatchNormResult batch_norm_train(const Operand& x, const Operand& weight, const Operand& bias,
                                 const Operand& valid, double epsilon) {
  Array input = value_of(x), scale = value_of(weight), shift = value_of(bias), rows = value_of(valid);
  check_channels("batch_norm_train", input, {&scale, &shift}, x.location());
  require_type("batch_norm_train", "valid", rows, {DType::i32, {}}, x.location());
  TensorType channel{scale.dtype(), scale.shape()};
  auto node = record({.op = "batch_norm_train",
                      .inputs = {input, scale, shift, rows},
                      .options = NormOptions{epsilon},
                      .results = {input.type(), channel, channel, channel},
                      .location = x.location()});
  return {Array(node, 0), Array(node, 1), Array(node, 2), Array(node, 3)};
}

Array batch_norm_inference(const Operand& x, const Operand& weight, const Operand& bias, const Operand& mean,
                           const Operand& variance, double epsilon) {
  Array input = value_of(x), scale = value_of(weight), shift = value_of(bias), center = value_of(mean),
        spread = value_of(variance);
  check_channels("batch_norm_inference", input, {&scale, &shift, &center, &spread}, x.location());
  return record1("batch_norm_inference", {input, scale, shift, center, spread}, NormOptions{epsilon},
                 input.type(), x.location());
}

RunningStatistics batch_norm_update_running(const Operand& running_mean, const Operand& running_variance,
                                            const Operand& mean, const Operand& variance,
                                            const Operand& valid, std::int64_t rows,
                                            std::int64_t row_elements, double momentum) {
  Array old_mean = value_of(running_mean), old_variance = value_of(running_variance),
        batch_mean = value_of(mean), batch_variance = value_of(variance), count = value_of(valid);
  const Location& location = mean.location();
  for (const Array* vector : {&old_variance, &batch_mean, &batch_variance})
    require_type("batch_norm_update_running", "every statistic", *vector, old_mean.type(), location);
  auto node = record({.op = "batch_norm_update_running",
                      .inputs = {old_mean, old_variance, batch_mean, batch_variance, count},
                      .options = RunningOptions{momentum, rows, row_elements},
                      .results = {old_mean.type(), old_mean.type()},
                      .location = location});
  return {Array(node, 0), Array(node, 1)};
}

Array layer_norm(const Operand& x, const Operand& weight, const Operand& bias, double epsilon) {
  Array input = value_of(x), scale = value_of(weight), shift = value_of(bias);
  check_channels("layer_norm", input, {&scale, &shift}, x.location());
  TensorType row{input.dtype(), Shape(std::vector<std::int64_t>(input.shape().extents().begin(),
                                                                input.shape().extents().end() - 1))};
  auto node = record({.op = "layer_norm",
                      .inputs = {input, scale, shift},
                      .options = NormOptions{epsilon},
                      .results = {input.type(), row, row},
                      .location = x.location()});
  return Array(node, 0);
}

} // namespace tailor
