#pragma once

#include "frontend/array.h"
#include "frontend/function.h"

#include <functional>
#include <utility>
#include <vector>

namespace tailor {

namespace nn {
class Module;
}

/// Gradients by parameter, in the order the body first used them.
class Gradients {
public:
  Gradients() = default;
  explicit Gradients(std::vector<std::pair<std::shared_ptr<const State>, Array>> items)
      : items_(std::move(items)) {}
  const std::vector<std::pair<std::shared_ptr<const State>, Array>>& items() const { return items_; }
  /// Empty array when the loss does not depend on `state`.
  Array find(const State& state) const;

private:
  std::vector<std::pair<std::shared_ptr<const State>, Array>> items_;
};

struct LossAndGradients {
  Array loss;          ///< f32 []
  Gradients gradients; ///< one per trainable parameter the loss read
};

/// Traces `loss` once and records its value and its gradient with respect to every trainable parameter it
/// reads. States it writes (running statistics) are written in the calling trace. The rules live beside the
/// ops in ir/ops; the work is the pass Differentiate.
LossAndGradients value_and_grad(const std::function<Array()>& loss,
                                const std::source_location& where = std::source_location::current());

struct ValueAndGradients {
  Array value;
  std::vector<Array> gradients; ///< one per position in wrt, which may name an argument twice
};
/// The same for a function of arrays: value and gradients with respect to the arguments at `wrt`.
ValueAndGradients value_and_grad(const std::function<Array(const std::vector<Array>&)>& function,
                                 const std::vector<Array>& arguments, const std::vector<int>& wrt = {0},
                                 const std::source_location& where = std::source_location::current());
/// Only the gradients.
std::vector<Array> grad(const std::function<Array(const std::vector<Array>&)>& function,
                        const std::vector<Array>& arguments, const std::vector<int>& wrt = {0},
                        const std::source_location& where = std::source_location::current());

} // namespace tailor
