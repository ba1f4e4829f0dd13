#include "tests/bench/ceilings.h"

#include <algorithm>

namespace tailor::bench {

int64_t MlpStep::parameters() const {
  return (inputs + 1) * hidden + (hidden_layers - 1) * (hidden + 1) * hidden + (hidden + 1) * classes;
}

double MlpStep::flops() const {
  const double weights =
      static_cast<double>(inputs) * hidden + (hidden_layers - 1.0) * hidden * hidden + 1.0 * hidden * classes;
  return (sam ? 2 : 1) * (6.0 * batch * weights - 2.0 * batch * inputs * hidden);
}

double floor_seconds(const MlpStep& step) {
  const double state_bytes = 4.0 * step.parameters();
  const double passes = step.sam ? 17 : 10;
  const double working_set = state_bytes * (step.sam ? 5 : 4);
  return std::max(step.flops() / peak_flops(),
                  passes * state_bytes / read_bandwidth(static_cast<int64_t>(working_set)));
}

} // namespace tailor::bench
