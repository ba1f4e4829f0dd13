#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// A value that changes while training, described for the runtime, which evaluates it on the host and writes
/// it into the control block. Formulas: methods.md 4.3.
struct Schedule {
  std::string name; ///< constant | cosine | warmup_cosine | step | ldam_step | mislas_step | sam_step
  double peak = 0;
  double warmup_epochs = 0;
  bool per_step = false;               ///< the epoch advances with every step, not only between epochs
  std::vector<double> milestones = {}; ///< step: epochs
  double factor = 0.1;                 ///< step: multiplied in at each milestone
};

/// Where the options of a field with option `key` have its schedule: "schedule" for optimizer.lr, else
/// "<key>.schedule".
std::string schedule_prefix(const std::string& key);

namespace schedule {

struct CosineArgs {
  double peak = 0.1;
  bool per_step = false;
};
struct WarmupCosineArgs {
  double peak = 0.1;
  double warmup_epochs = 5;
  bool per_step = false;
};
struct StepArgs {
  double peak = 0.1;
  std::vector<double> milestones;
  double factor = 0.1;
};

Schedule constant(double value);
/// peak / 2 (1 + cos(pi e / E)).
Schedule cosine(const CosineArgs& args);
/// Linear to the peak over warmup_epochs, then cosine: the paper's schedule.
Schedule warmup_cosine(const WarmupCosineArgs& args);
/// peak * factor^(milestones passed).
Schedule step(const StepArgs& args);
/// The schedules of the LDAM (warm-up of 5 epochs, x 1e-2 and 1e-4 from 80 % and 90 % of the run), MiSLAS (the
/// same with 0.1 and 0.01) and SAM (x 0.2 at 30, 60, 80 %) code.
Schedule ldam_step(double peak);
Schedule mislas_step(double peak);
Schedule sam_step(double peak);

} // namespace schedule
} // namespace tailor
