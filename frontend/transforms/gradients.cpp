#include "frontend/transforms/gradients.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/update.h"
#include "runtime/base/status.h"
#include "runtime/base/wording.h"

#include <cmath>

namespace tailor {

namespace {

/// Of PyTorch's clip_grad_norm_: keeps a gradient of zero from dividing by zero.
constexpr double kClipEpsilon = 1e-6;

Location place(const std::source_location& where) {
  return LocationScope::resolve(make_location(where));
}

std::vector<Array> values_of(const Gradients& gradients) {
  std::vector<Array> values;
  for (const auto& [state, gradient] : gradients)
    values.push_back(gradient);
  return values;
}

} // namespace

Array Gradients::find(const State& state) const {
  for (const auto& [known, gradient] : items_)
    if (known.get() == &state) return gradient;
  return {};
}

Array Gradients::at(const std::string& name, const std::source_location& where) const {
  const Item* found = nullptr;
  std::vector<std::string> names;
  for (const Item& item : items_) {
    const State& state = *item.first;
    const std::string full = state.group + "." + state.name;
    names.push_back(state.name);
    if (name != state.name && name != full) continue;
    if (found)
      throw TraceError("gradients", "'" + name + "' is a parameter of several groups", place(where),
                       "say which: '" + found->first->group + "." + name + "' or '" + full + "'");
    found = &item;
  }
  if (found) return found->second;
  std::string hint = runtime::did_you_mean(name, names);
  if (hint.empty())
    hint = names.empty() ? "the loss depends on no parameter"
                         : "the first of " + std::to_string(names.size()) + " is '" + names.front() + "'";
  throw TraceError("gradients", "there is no gradient of '" + name + "'", place(where), hint);
}

Gradients Gradients::map(const std::function<Array(const Array&)>& f,
                         const std::source_location& where) const {
  std::vector<Item> items;
  for (const auto& [state, gradient] : items_) {
    Array mapped = f(gradient);
    if (mapped.empty() || !(mapped.type() == gradient.type()))
      throw TraceError("gradients",
                       "the gradient of '" + state->name + "' is " + to_string(gradient.type()) +
                           " but the function makes " +
                           (mapped.empty() ? "an empty array" : to_string(mapped.type())) + " of it",
                       place(where));
    items.emplace_back(state, mapped);
  }
  return Gradients(std::move(items));
}

Array Gradients::norm(const std::source_location& where) const {
  if (items_.empty()) throw TraceError("norm", "there are no gradients", place(where));
  return global_norm(values_of(*this), {}, place(where));
}

Gradients Gradients::clip(const Operand& max_norm) const {
  const Location& location = max_norm.location();
  LocationScope scope(location);
  if (max_norm.is_literal() && !(max_norm.literal() > 0))
    detail::fail("clip", runtime::concat("the largest norm must be above 0, not ", max_norm.literal()),
                 location);
  return minimum(max_norm / (norm() + kClipEpsilon), 1.0) * *this;
}

Gradients Gradients::clip_value(double limit, const std::source_location& where) const {
  LocationScope scope(place(where));
  if (!(limit > 0))
    detail::fail("clip_value", runtime::concat("the largest element must be above 0, not ", limit),
                 place(where));
  return map([&](const Array& gradient) { return clamp(gradient, -limit, limit); });
}

Gradients operator*(const Gradients& gradients, const Operand& factor) {
  LocationScope scope(factor.location());
  if (!factor.is_literal())
    detail::require_rank("gradients", "the factor", detail::value_of(factor), 0, factor.location());
  return gradients.map([&](const Array& gradient) { return gradient * factor; });
}

Gradients operator*(const Operand& factor, const Gradients& gradients) {
  return gradients * factor;
}

Gradients operator+(const Gradients& a, const Gradients& b) {
  std::vector<Gradients::Item> items;
  for (const auto& [state, gradient] : a) {
    const Array other = b.find(*state);
    LocationScope scope(gradient.node()->location);
    items.emplace_back(state, other.empty() ? gradient : gradient + other);
  }
  for (const Gradients::Item& item : b)
    if (a.find(*item.first).empty()) items.push_back(item);
  return Gradients(std::move(items));
}

} // namespace tailor
