#pragma once

#include "frontend/graph/array.h"
#include "frontend/transforms/gradients.h"

#include <functional>
#include <utility>
#include <vector>

namespace tailor {

/// What a function that is differentiated returns: the loss, and whatever else it computed on the way and somebody
/// wants (logits, an accuracy). Only the loss is differentiated; the others come out of the same forward.
///
///   value_and_grad([&] { Array z = net(x, c); return LossAndAux{loss_of(z), {z}}; }).aux[0]
struct LossAndAux {
  LossAndAux(Array loss, std::vector<Array> aux = {}) : loss(std::move(loss)), aux(std::move(aux)) {}
  Array loss; ///< f32 []
  std::vector<Array> aux;
};

struct LossAndGradients {
  Array loss;             ///< f32 []
  Gradients gradients;    ///< one per trainable parameter the loss read
  std::vector<Array> aux; ///< what the loss function returned beside the loss
};

/// Traces `loss` once and records its value and its gradient with respect to every trainable parameter it
/// reads. States it writes (running statistics) are written in the calling trace. The rules live beside the
/// ops in ir/ops; the work is the pass Differentiate.
///
/// May be part of a loss that is differentiated itself (gradient penalty): losses, norms and all smooth ops have
/// derivatives of every order; what has none is refused at its line.
LossAndGradients value_and_grad(const std::function<LossAndAux()>& loss,
                                const std::source_location& where = std::source_location::current());

struct ValueAndGradients {
  Array value;
  std::vector<Array> gradients; ///< one per position in wrt, which may name an argument twice
  std::vector<Array> aux;       ///< what the function returned beside the value
};
/// The same for a function of arrays: value and gradients with respect to the arguments at `wrt`.
ValueAndGradients value_and_grad(const std::function<LossAndAux(const std::vector<Array>&)>& function,
                                 const std::vector<Array>& arguments, const std::vector<int>& wrt = {0},
                                 const std::source_location& where = std::source_location::current());
/// Only the gradients.
std::vector<Array> grad(const std::function<LossAndAux(const std::vector<Array>&)>& function,
                        const std::vector<Array>& arguments, const std::vector<int>& wrt = {0},
                        const std::source_location& where = std::source_location::current());
/// The gradient of a function of one array.
///
///   x = clamp(x - 0.1 * grad([&](const Array& x) { return loss_of(net(x, c)); }, x), 0, 1)
Array grad(const std::function<LossAndAux(const Array&)>& function, const Array& argument,
           const std::source_location& where = std::source_location::current());

} // namespace tailor
