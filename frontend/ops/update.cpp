#include "frontend/ops/update.h"

#include "frontend/ops/checks.h"

namespace tailor {

namespace {

using namespace detail;

void require_tensors(std::string_view op, std::string_view what, const std::vector<Array>& values,
                     const std::vector<Array>& like, const Location& location) {
  if (values.size() != like.size())
    fail(op,
         "there are " + std::to_string(like.size()) + " weights but " + std::to_string(values.size()) + " " +
             std::string(what),
         location);
  for (std::size_t i = 0; i < values.size(); ++i)
    require_type(op, what, values[i], like[i].type(), location);
}

void require_scalar(std::string_view op, std::string_view what, const Array& value, DType dtype,
                    const Location& location) {
  require_type(op, what, value, {dtype, {}}, location);
}

/// Collects operands role by role.
class Roles {
public:
  void add(const std::vector<Array>& values) {
    operands.insert(operands.end(), values.begin(), values.end());
    sizes.push_back(static_cast<std::int64_t>(values.size()));
  }
  void add(const Array& value) {
    if (value.empty()) {
      sizes.push_back(0);
      return;
    }
    add(std::vector<Array>{value});
  }
  std::vector<Array> operands;
  std::vector<std::int64_t> sizes;
};

void require_rates(std::string_view op, const UpdateRates& rates, const Location& location) {
  for (const Array& lr : rates.lr)
    require_scalar(op, "the learning rate", lr, DType::f32, location);
  for (const Array& decay : rates.weight_decay)
    require_scalar(op, "the weight decay", decay, DType::f32, location);
}

UpdateOptions options_of(const UpdateRates& rates) {
  UpdateOptions options;
  options.decayed = rates.decayed;
  if (rates.lr.size() > 1) options.segments = rates.segments;
  return options;
}

/// Records the op; results come role by role, each role with the types of the matching operands.
std::vector<std::vector<Array>> record_roles(std::string_view op, Roles roles,
                                             const std::vector<std::vector<Array>>& results,
                                             UpdateOptions options, const Location& location) {
  options.operand_roles = roles.sizes;
  std::vector<TensorType> types;
  for (const std::vector<Array>& role : results) {
    options.result_roles.push_back(static_cast<std::int64_t>(role.size()));
    for (const Array& like : role)
      types.push_back(like.type());
  }
  auto node = record({.op = op,
                      .inputs = std::move(roles.operands),
                      .options = std::move(options),
                      .results = std::move(types),
                      .location = location});
  std::vector<std::vector<Array>> arrays;
  int next = 0;
  for (const std::vector<Array>& role : results) {
    arrays.emplace_back();
    for (std::size_t i = 0; i < role.size(); ++i)
      arrays.back().emplace_back(node, next++);
  }
  return arrays;
}

} // namespace

Array global_norm(const std::vector<Array>& gradients, const std::vector<Array>& weights,
                  const Location& location) {
  if (gradients.empty()) fail("global_norm", "there are no gradients", location);
  if (!weights.empty()) require_tensors("global_norm", "gradients", gradients, weights, location);
  Roles roles;
  roles.add(gradients);
  roles.add(weights);
  UpdateOptions options;
  options.operand_roles = roles.sizes;
  return record1("global_norm", std::move(roles.operands), std::move(options), {gradients[0].dtype(), {}},
                 location, "norm");
}

std::vector<Array> sam_perturb(const std::vector<Array>& weights, const std::vector<Array>& gradients,
                               const Array& norm, const Array& radius, bool adaptive,
                               const Location& location) {
  require_tensors("sam.perturb", "gradients", gradients, weights, location);
  require_scalar("sam.perturb", "rho", radius, DType::f32, location);
  Roles roles;
  roles.add(weights);
  roles.add(gradients);
  roles.add(norm);
  roles.add(radius);
  UpdateOptions options;
  options.adaptive = adaptive;
  return record_roles("sam.perturb", std::move(roles), {weights}, options, location)[0];
}

SgdUpdate sgd_update(const std::vector<Array>& weights, const std::vector<Array>& gradients,
                     const std::vector<Array>& momenta, const Array& momentum, const Array& valid,
                     bool nesterov, const UpdateRates& rates, const Location& location) {
  require_tensors("sgd_update", "gradients", gradients, weights, location);
  require_rates("sgd_update", rates, location);
  if (!momenta.empty()) require_tensors("sgd_update", "momenta", momenta, weights, location);
  Roles roles;
  roles.add(weights);
  roles.add(gradients);
  roles.add(momenta);
  roles.add(rates.lr);
  roles.add(momentum);
  roles.add(rates.weight_decay);
  roles.add(valid);
  UpdateOptions options = options_of(rates);
  options.nesterov = nesterov;
  auto results = record_roles("sgd_update", std::move(roles), {weights, momenta}, options, location);
  return {results[0], results[1]};
}

AdamWUpdate adamw_update(const std::vector<Array>& weights, const std::vector<Array>& gradients,
                         const std::vector<Array>& first, const std::vector<Array>& second,
                         const AdamWScalars& scalars, const Array& valid, const UpdateRates& rates,
                         const Location& location) {
  require_tensors("adamw_update", "gradients", gradients, weights, location);
  require_tensors("adamw_update", "first moments", first, weights, location);
  require_tensors("adamw_update", "second moments", second, weights, location);
  require_rates("adamw_update", rates, location);
  Roles roles;
  roles.add(weights);
  roles.add(gradients);
  roles.add(first);
  roles.add(second);
  roles.add(rates.lr);
  for (const Array* scalar : {&scalars.beta1, &scalars.beta2, &scalars.epsilon})
    roles.add(*scalar);
  roles.add(rates.weight_decay);
  roles.add(scalars.step);
  roles.add(valid);
  UpdateOptions options = options_of(rates);
  auto results = record_roles("adamw_update", std::move(roles), {weights, first, second}, options, location);
  return {results[0], results[1], results[2]};
}

std::vector<Array> ema_update(const std::vector<Array>& averages, const std::vector<Array>& values,
                              const Array& decay, const Array& valid, const Location& location) {
  require_tensors("ema_update", "averages", averages, values, location);
  require_scalar("ema_update", "the decay", decay, DType::f32, location);
  Roles roles;
  roles.add(averages);
  roles.add(values);
  roles.add(decay);
  roles.add(valid);
  return record_roles("ema_update", std::move(roles), {averages}, {}, location)[0];
}

} // namespace tailor
