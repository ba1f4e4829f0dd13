#pragma once
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/options/component.h"

#include <cstdint>
#include <functional>
#include <string>

namespace tailor::runtime {

/// How far a stage is and how long it will be.
struct TrainingClock {
  std::int64_t step = 0;            ///< updates done in this stage
  std::int64_t steps_per_epoch = 1; ///< n
  std::int64_t total_steps = 1;     ///< of the stage

  std::int64_t epoch() const { return step / n(); }                         ///< e, from 0
  std::int64_t num_epochs() const { return (total_steps + n() - 1) / n(); } ///< E
  std::int64_t n() const { return steps_per_epoch > 0 ? steps_per_epoch : 1; }
};

/// What a schedule does with its keys once they are read.
struct ScheduleCurve {
  /// Factor on the peak value, a pure function of the clock. Null: 1 always.
  std::function<double(const TrainingClock&)> factor = nullptr;
  double warmup_epochs = 0;    ///< that a user asked for, with
  std::string warmup_key = {}; ///< this key
};

struct ScheduleRequest {
  const Options& options;
  std::string prefix; ///< where its keys stand: "schedule.", "control.weight.schedule."
};

/// A schedule (methods.md 4.3): one file of `schedules/`, or of a user's program.
struct ScheduleSpec {
  static constexpr std::string_view kKind = "schedule";
  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<KeySpec> keys = {};
  std::function<Result<ScheduleCurve>(const ScheduleRequest&)> make;
};

/// Factor on a peak value, as keys below a prefix say. Past the end of a stage it keeps its last value.
class Schedule {
public:
  /// Reads `<prefix>.name` and the keys of that schedule; no name = constant.
  ///
  /// Errors   an unknown name, with those there are; what the schedule itself refuses.
  static Result<Schedule> create(const Options& options, const std::string& prefix);

  double factor(const TrainingClock& clock) const { return curve_.factor ? curve_.factor(clock) : 1.0; }
  bool is_constant() const { return curve_.factor == nullptr; }
  const ScheduleCurve& curve() const { return curve_; }

private:
  ScheduleCurve curve_;
};

/// What to tell a user whose warm-up is as long as the run ("" if it is not): a recipe is refused for that, but
/// `--set run.epochs=1` is how one tries a program out.
std::string warmup_note(const Options& options);

} // namespace tailor::runtime
