#include "frontend/nn/batch_norm.h"

#include "frontend/graph/batch_rows.h"
#include "frontend/graph/trace.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/normalization.h"
#include "runtime/base/status.h"

namespace tailor::nn {

BatchNorm::BatchNorm(std::int64_t channels, const BatchNormOptions& options)
    : options_(options), weight_({DType::f32, {channels}}, options.init, State::Role::parameter, true),
      bias_({DType::f32, {channels}}, InitRule::zeros(), State::Role::parameter, true),
      running_mean_({DType::f32, {channels}}, InitRule::zeros(), State::Role::buffer, true),
      running_var_({DType::f32, {channels}}, InitRule::ones(), State::Role::buffer, true) {
  if (channels < 1 || !(options.momentum >= 0 && options.momentum <= 1) || !(options.epsilon > 0))
    detail::fail("batch_norm",
                 runtime::concat("needs a channel, a momentum in [0, 1] and an epsilon above 0, not ",
                                 channels, ", ", options.momentum, " and ", options.epsilon),
                 {});
  add("weight", weight_);
  add("bias", bias_);
  add("running_mean", running_mean_);
  add("running_var", running_var_);
}

Array BatchNorm::operator()(const Operand& x, const Context& context) {
  Location location = x.location();
  LocationScope scope(location);
  Array input = detail::value_of(x);
  Array weight = weight_.read(location), bias = bias_.read(location);
  // Running statistics that must not move are what it normalises with, as in evaluation.
  const bool is_frozen = Trace::require("batch_norm", location).frozen(*running_mean_.state());
  if (!context.train || is_frozen)
    return batch_norm_inference(input, weight, bias, running_mean_.read(location),
                                running_var_.read(location), options_.epsilon);
  Array valid = context.valid(location);
  require_batch_rows("batch_norm", input, valid, location);
  BatchNormResult batch = batch_norm_train(input, weight, bias, valid, options_.epsilon);
  std::int64_t row_elements = 1;
  for (int axis = 1; axis < input.rank() - 1; ++axis)
    row_elements *= input.shape()[axis];
  const Array &share = context.statistics_share, mean = running_mean_.read(location),
              variance = running_var_.read(location);
  RunningStatistics running =
      batch_norm_update_running(mean, variance, batch.mean, batch.variance, valid, input.shape()[0],
                                row_elements, share.empty() ? options_.momentum : 1.0);
  const auto moved = [&](const Array& from, const Array& to) {
    return share.empty() ? to : (1.0 - share) * from + share * to;
  };
  running_mean_.write(moved(mean, running.mean));
  running_var_.write(moved(variance, running.variance));
  return batch.y;
}

} // namespace tailor::nn
