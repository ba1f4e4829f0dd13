#pragma once

#include "frontend/graph/array.h"
#include "frontend/graph/context.h"
#include "frontend/graph/lifetime.h"
#include "frontend/graph/state.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tailor::nn {

/// A parameter or buffer of a module. Using it inside a trace reads its value at that point of the recording.
class Tensor {
public:
  /// A trained f32 tensor, for modules of one's own: logits * scale.read().
  explicit Tensor(Shape shape, InitRule init = InitRule::zeros());
  Tensor(TensorType type, InitRule init, State::Role role, bool norm_or_bias);

  Array read(const std::source_location& where = std::source_location::current()) const;
  Array read(const Location& location) const;
  void write(const Array& value) const;
  const std::shared_ptr<State>& state() const { return state_; }

private:
  std::shared_ptr<State> state_;
};

/// Something with named parameters. Names joined with '.' are the checkpoint keys ("layer1.0.conv1.weight",
/// as in torchvision). A module refers to its children by address, so it is neither copied nor moved.
class Module {
public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Every tensor below with its full name, own ones first, children in the order they were added.
  std::vector<std::pair<std::string, const Tensor*>> tensors() const;
  /// Elements of all trained tensors.
  std::int64_t num_parameters() const;
  const Lifetime& lifetime() const { return lifetime_; }

  /// This module's tensors get the first value of those of `source`, name by name: a network that starts as a copy of
  /// another (a fixed target, a second network). In the program the state group of `source` comes first.
  /// Errors   TraceError naming the first tensors that are not in both with the same shape.
  void start_as(const Module& source, const std::source_location& where = std::source_location::current());

protected:
  /// Names a child. TraceError if the name is taken or holds a '.'.
  void add(const std::string& name, Module& child,
           const std::source_location& where = std::source_location::current());
  /// Names a tensor of this module.
  void add(const std::string& name, const Tensor& tensor,
           const std::source_location& where = std::source_location::current());

private:
  void collect(const std::string& prefix, std::vector<std::pair<std::string, const Tensor*>>& out) const;
  void check_name(const std::string& name, const std::source_location& where) const;

  std::vector<std::pair<std::string, const Tensor*>> own_;
  std::vector<std::pair<std::string, const Module*>> children_;
  Lifetime lifetime_;
};

/// A module that maps one array to one.
class Layer : public Module {
public:
  virtual Array operator()(const Operand& x, const Context& context) = 0;
};

} // namespace tailor::nn
