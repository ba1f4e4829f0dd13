#pragma once

#include "frontend/nn/module.h"

#include <memory>
#include <string>
#include <vector>

namespace tailor::nn {

/// Layers applied one after another; owns them. Children are named "0", "1", ... unless a name is given.
class Sequential : public Layer {
public:
  Sequential() = default;
  Sequential& push(std::unique_ptr<Layer> layer, std::string name = "");
  template <typename L, typename... Args> Sequential& emplace(Args&&... args) {
    return push(std::make_unique<L>(std::forward<Args>(args)...));
  }
  std::size_t size() const { return layers_.size(); }
  Array operator()(const Operand& x, const Context& context) override;

private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

} // namespace tailor::nn
