#include "frontend/nn/module.h"

#include "frontend/graph/trace.h"

namespace tailor::nn {

Tensor::Tensor(TensorType type, InitRule init, State::Role role, bool norm_or_bias)
    : state_(std::make_shared<State>()) {
  state_->type = std::move(type);
  state_->init = std::move(init);
  state_->role = role;
  state_->norm_or_bias = norm_or_bias;
}

Tensor::Tensor(Shape shape, InitRule init)
    : Tensor({DType::f32, std::move(shape)}, std::move(init), State::Role::parameter, false) {}

Array Tensor::read(const std::source_location& where) const {
  return read(LocationScope::resolve(make_location(where)));
}

Array Tensor::read(const Location& location) const {
  return Trace::require(state_->name.empty() ? "parameter" : state_->name, location).read(state_, location);
}

void Tensor::write(const Array& value) const {
  const Location location = value.empty() ? Location() : value.node()->location;
  Trace::require(state_->name.empty() ? "buffer" : state_->name, location).write(state_, value);
}

void Module::check_name(const std::string& name, const std::source_location& where) const {
  bool taken = name.empty() || name.find('.') != std::string::npos;
  for (const auto& [known, tensor] : own_)
    taken = taken || known == name;
  for (const auto& [known, child] : children_)
    taken = taken || known == name;
  if (taken)
    throw TraceError("add", "'" + name + "' cannot name a child: it is empty, holds a '.' or is taken",
                     LocationScope::resolve(make_location(where)));
}

void Module::add(const std::string& name, Module& child, const std::source_location& where) {
  check_name(name, where);
  children_.emplace_back(name, &child);
}

void Module::add(const std::string& name, const Tensor& tensor, const std::source_location& where) {
  check_name(name, where);
  own_.emplace_back(name, &tensor);
}

void Module::collect(const std::string& prefix,
                     std::vector<std::pair<std::string, const Tensor*>>& out) const {
  for (const auto& [name, tensor] : own_)
    out.emplace_back(prefix + name, tensor);
  for (const auto& [name, child] : children_)
    child->collect(prefix + name + ".", out);
}

std::vector<std::pair<std::string, const Tensor*>> Module::tensors() const {
  std::vector<std::pair<std::string, const Tensor*>> all;
  collect("", all);
  return all;
}

void Module::start_as(const Module& source, const std::source_location& where) {
  constexpr std::size_t kShown = 3;
  const Location location = LocationScope::resolve(make_location(where));
  const auto own = tensors(), others = source.tensors();
  const auto find = [](const auto& all, const std::string& name) -> const Tensor* {
    for (const auto& [known, tensor] : all)
      if (known == name) return tensor;
    return nullptr;
  };
  std::string differs;
  std::size_t count = 0;
  const auto compare = [&](const std::string& name) {
    const Tensor *here = find(own, name), *there = find(others, name);
    if (here && there && here->state()->type == there->state()->type) return;
    const auto type = [](const Tensor* tensor) {
      return tensor ? to_string(tensor->state()->type) : "not there";
    };
    if (count++ < kShown)
      differs += (differs.empty() ? "'" : ", '") + name + "' is " + type(here) + " here and " + type(there) +
                 " in the source";
  };
  for (const auto& [name, tensor] : own)
    compare(name);
  for (const auto& [name, tensor] : others)
    if (!find(own, name)) compare(name);
  if (count > 0)
    throw TraceError("start_as", "the modules are not alike: " + differs + (count > kShown ? ", ..." : ""),
                     location);
  if (this == &source) throw TraceError("start_as", "a module cannot start as itself", location);
  for (const auto& [name, tensor] : own)
    tensor->state()->init = InitRule::copy_of(find(others, name)->state());
}

std::int64_t Module::num_parameters() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : tensors())
    if (tensor->state()->role == State::Role::parameter) count += tensor->state()->type.shape.num_elements();
  return count;
}

} // namespace tailor::nn
