#include "frontend/optimizers/adamw.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/update.h"
#include "frontend/optimizers/update.h"

#include <cmath>
#include <limits>

namespace tailor::optim {

void AdamW::record(Update& update) {
  const double below_one = std::nextafter(1.0, 0.0);
  detail::require_between("update", "epsilon", options_.epsilon, std::numeric_limits<double>::min(),
                          Update::kLargest, update.location());
  AdamWScalars scalars;
  scalars.beta1 = update.number("beta1", options_.beta1, 0, below_one);
  scalars.beta2 = update.number("beta2", options_.beta2, 0, below_one);
  scalars.epsilon = update.number("eps", options_.epsilon, std::numeric_limits<double>::min(),
                                  Update::kLargest, "adam_eps");
  const UpdateRates rates{update.learning_rates(), update.weight_decays(), update.segments(),
                          update.decayed()};
  scalars.step = update.step();
  std::vector<Array> first = update.read(first_moments_), second = update.read(second_moments_);
  AdamWUpdate result = adamw_update(update.weights(), update.gradients(), first, second, scalars,
                                    update.valid(), rates, update.location());
  update.write_weights(result.weights);
  update.write(first_moments_, result.first);
  update.write(second_moments_, result.second);
}

} // namespace tailor::optim
