#include "frontend/nn/sequential.h"

#include "frontend/ops/checks.h"

namespace tailor::nn {

Sequential& Sequential::push(std::unique_ptr<Layer> layer, std::string name) {
  if (!layer) detail::fail("sequential", "the layer to push is null", {});
  add(name.empty() ? std::to_string(layers_.size()) : name, *layer);
  layers_.push_back(std::move(layer));
  return *this;
}

Array Sequential::operator()(const Operand& x, const Context& context) {
  Location location = x.location();
  LocationScope scope(location);
  Array value = detail::value_of(x);
  for (const std::unique_ptr<Layer>& layer : layers_)
    value = (*layer)(Operand(value, location), context);
  return value;
}

} // namespace tailor::nn
