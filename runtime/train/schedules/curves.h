#pragma once
#include "runtime/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tailor::runtime {

/// (1 + cos(pi done / length)) / 2, from 1 to 0.
inline double half_cosine(double done, double length) {
  if (length <= 0) return 0;
  return 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(done / length, 1.0)));
}

/// Warm-up nobody gave a length, in units of which `unit` are an epoch: 5 epochs (methods.md 4.3), leaving at least
/// half of the run to the rest.
inline double default_warmup(double length, double unit) {
  constexpr double kWarmupEpochs = 5;
  return std::min(kWarmupEpochs * unit, std::floor(length / 2));
}

/// Progress, length and epoch in the unit in which a value changes: epochs, or steps.
struct Progress {
  double done, length, epoch;

  Progress(const TrainingClock& clock, bool per_step)
      : done(static_cast<double>(per_step ? clock.step : clock.epoch())),
        length(static_cast<double>(per_step ? clock.total_steps : clock.num_epochs())),
        epoch(per_step ? static_cast<double>(clock.n()) : 1.0) {}
};

/// A warm-up, then two drops at 80 and 90 % of the run: ldam_step and mislas_step.
inline double stepped(const TrainingClock& clock, double after_80_percent, double after_90_percent) {
  const std::int64_t epoch = clock.epoch(), num_epochs = clock.num_epochs();
  const double warmup = default_warmup(static_cast<double>(num_epochs), 1.0);
  if (static_cast<double>(epoch) < warmup) return static_cast<double>(epoch + 1) / warmup;
  // In whole numbers: 0.9 * 10 is not 9 in binary.
  if (10 * epoch >= 9 * num_epochs) return after_90_percent;
  return 10 * epoch >= 8 * num_epochs ? after_80_percent : 1.0;
}

} // namespace tailor::runtime
