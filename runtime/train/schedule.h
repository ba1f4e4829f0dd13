#pragma once
#include "runtime/base/options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

enum class ScheduleKind { kConstant, kWarmupCosine, kCosine, kStep, kLdamStep, kMislasStep, kSamStep };

/// How far a stage is and how long it will be.
struct TrainingClock {
  std::int64_t step = 0;            ///< updates done in this stage
  std::int64_t steps_per_epoch = 1; ///< n
  std::int64_t total_steps = 1;     ///< of the stage; E = total_steps / n epochs, rounded up
};

/// Factor on a peak value lr0. With e = 0-based epoch, E epochs, W warm-up epochs (methods.md 4.3):
///
///   constant       1
///   warmup_cosine  e < W: (e+1)/W, then (1 + cos(pi (e-W)/(E-W))) / 2; W unset: 5, or half of E rounded down
///                  where that is less
///   cosine         (1 + cos(pi e/E)) / 2
///   step           factor ^ (number of milestones <= e)
///   ldam_step      e < w: (e+1)/w; e >= 0.9 E: 1e-4; e >= 0.8 E: 1e-2; else 1; w: 5, or half of E rounded down
///                  where that is less. At E = 200 this is the authors' schedule (drops after 160 and 180)
///   mislas_step    the same with 0.01 and 0.1
///   sam_step       0.2 ^ (number of {0.3 E, 0.6 E, 0.8 E} <= e)
///
/// per = step: e, W, E become steps s, W n and total_steps in warmup_cosine and cosine; the others change at
/// epoch borders only. Past the end a schedule keeps its last value.
class Schedule {
public:
  /// Reads `<prefix>.name|warmup_epochs|per|milestones|factor`; no name = constant.
  ///
  /// Errors   an unknown name or period, milestones that do not ascend, a step schedule without any.
  static Result<Schedule> create(const Options& options, const std::string& prefix);

  double factor(const TrainingClock& clock) const;
  ScheduleKind kind() const { return kind_; }

private:
  ScheduleKind kind_ = ScheduleKind::kConstant;
  bool per_step_ = false;
  std::optional<double> warmup_epochs_;
  std::vector<double> milestones_;
  double decay_ = 0.1;
};

/// What to tell a user whose warm-up is as long as the run ("" if it is not): a recipe is refused for that, but
/// `--set run.epochs=1` is how one tries a program out.
std::string warmup_note(const Options& options);

} // namespace tailor::runtime
