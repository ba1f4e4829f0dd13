#include "frontend/nn/activation.h"

#include "frontend/ops/elementwise.h"

namespace tailor::nn {

Array activate(Activation kind, const Operand& x) {
  switch (kind) {
  case Activation::relu:
    return relu(x);
  case Activation::gelu:
    return gelu(x);
  case Activation::silu:
    return silu(x);
  }
  throw TraceError("activation", "unknown activation", x.location());
}

Activation activation_from_name(std::string_view name, const Location& location) {
  for (Activation activation : {Activation::relu, Activation::gelu, Activation::silu})
    if (to_string(activation) == name) return activation;
  throw TraceError("activation", "'" + std::string(name) + "' is not an activation", location,
                   "one of relu, gelu, silu");
}

std::string_view to_string(Activation activation) {
  switch (activation) {
  case Activation::relu:
    return "relu";
  case Activation::gelu:
    return "gelu";
  case Activation::silu:
    return "silu";
  }
  return "unknown";
}

} // namespace tailor::nn
