#include "frontend/optimizers/sgd.h"

#include "frontend/graph/error.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/update.h"
#include "frontend/optimizers/update.h"

namespace tailor::optim {

void Sgd::record(Update& update) {
  const Location& location = update.location();
  detail::require_between("update", "momentum", options_.momentum, 0, 1, location);
  const bool has_momentum = options_.momentum != 0;
  if (options_.nesterov && !has_momentum)
    throw TraceError("update", "Nesterov needs a momentum", location, "optim::Sgd{{.momentum = 0.9}}");
  update.choice("nesterov", options_.nesterov);
  Array momentum;
  std::vector<Array> momenta;
  if (has_momentum) {
    momentum = update.number("momentum", options_.momentum, 0, 1);
    momenta = update.read(momenta_);
  } else {
    // Without momentum there are no slots, so the value cannot become non-zero at run time.
    update.choice("momentum", options_.momentum);
  }
  SgdUpdate result = sgd_update(
      update.weights(), update.gradients(), momenta, momentum, update.valid(), options_.nesterov,
      {update.learning_rates(), update.weight_decays(), update.segments(), update.decayed()}, location);
  update.write_weights(result.weights);
  if (has_momentum) update.write(momenta_, result.momenta);
}

} // namespace tailor::optim
