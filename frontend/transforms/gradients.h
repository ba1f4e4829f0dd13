#pragma once

#include "frontend/graph/array.h"
#include "frontend/graph/state.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// The gradients of a loss by parameter, in the order in which the loss first used them: a value that can be scaled,
/// added, clipped and looked into before Step::update takes it. A parameter that is not in it has gradient zero.
///
/// Gradients have no axis over the rows of a batch, so nothing here counts padding; the loss has left it out.
class Gradients {
public:
  using Item = std::pair<std::shared_ptr<const State>, Array>;

  Gradients() = default;
  explicit Gradients(std::vector<Item> items) : items_(std::move(items)) {}

  const std::vector<Item>& items() const { return items_; }
  std::vector<Item>::const_iterator begin() const { return items_.begin(); }
  std::vector<Item>::const_iterator end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }

  /// Empty array when the loss does not depend on `state`.
  Array find(const State& state) const;
  /// The gradient of a parameter by name: "fc0.weight", or "net.fc0.weight" where several groups have one so called.
  /// Errors   TraceError when no gradient, or more than one, has the name.
  Array at(const std::string& name,
           const std::source_location& where = std::source_location::current()) const;

  /// f of every gradient.
  /// Errors   TraceError when f changes a shape or element type.
  Gradients map(const std::function<Array(const Array&)>& f,
                const std::source_location& where = std::source_location::current()) const;

  /// sqrt of the sum of squares over all gradients: f32 [].
  /// Errors   TraceError when there is none.
  Array norm(const std::source_location& where = std::source_location::current()) const;

  /// g min(1, max_norm / (norm + 1e-6)), norm over all gradients together; a norm that is no number makes every
  /// gradient one.
  /// Shapes   max_norm: a number or f32 [].
  /// Errors   TraceError for a number that is not above 0.
  /// Source   Pascanu et al. 2013, "On the difficulty of training recurrent neural networks"; the 1e-6 of PyTorch's
  ///          clip_grad_norm_, whose results these are.
  Gradients clip(const Operand& max_norm) const;
  /// Every element into [-limit, limit].
  /// Errors   TraceError for a limit that is not above 0.
  Gradients clip_value(double limit,
                       const std::source_location& where = std::source_location::current()) const;

private:
  std::vector<Item> items_;
};

/// All gradients times one number: a number or f32 [].
Gradients operator*(const Gradients& gradients, const Operand& factor);
Gradients operator*(const Operand& factor, const Gradients& gradients);
/// The gradient of the sum of two losses: parameters of both are added, one that only one of them depends on keeps its
/// gradient.
Gradients operator+(const Gradients& a, const Gradients& b);

} // namespace tailor
