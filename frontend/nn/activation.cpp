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

} // namespace tailor::nn
