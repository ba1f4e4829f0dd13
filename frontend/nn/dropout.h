#pragma once

#include "frontend/nn/module.h"

namespace tailor::nn {

/// While training drops each element with `probability` and scales the rest by 1 / (1 - probability).
class Dropout : public Layer {
public:
  explicit Dropout(double probability);
  Array operator()(const Operand& x, const Context& context) override;

private:
  double probability_;
};

} // namespace tailor::nn
