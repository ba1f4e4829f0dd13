#pragma once
#include "runtime/exec/executor.h"
#include "runtime/train/schedule.h"

#include <optional>
#include <vector>

namespace tailor::runtime {

/// What the host knows of one step.
struct StepValues {
  std::int32_t valid = 0;         ///< rows of the batch
  std::uint32_t slot = 0;         ///< batch slot
  std::uint64_t seed = 0;         ///< rng words 0 and 1
  std::int64_t epoch = 0;         ///< rng word 2, of the whole run
  std::int64_t draw_position = 0; ///< rng word 3, of row 0 within the epoch
  std::int64_t step = 0;          ///< updates done before this one, over the whole run
  TrainingClock clock;            ///< where the stage is
};

/// Writes the host fields of control rows. Offsets, peaks and schedules are resolved once per stage; a step
/// then writes the few fields that change.
class ControlRows {
public:
  /// Reads the peaks and schedules of `options` (the program's with the stage's over them) and puts the
  /// fields that stay the same into every ring row.
  ///
  /// Errors   an option that is not a number, an integer field whose value has a fraction.
  static Result<ControlRows> create(Executor& executor, const Options& options, const Stage& stage);

  /// Row of step `counter` of the executor.
  void write(Executor& executor, std::uint64_t counter, const StepValues& values) const;

  /// The learning rate at a point of the stage: field `lr`, else the field evaluated from optimizer.lr; nothing
  /// if the program has neither.
  std::optional<double> learning_rate(const TrainingClock& clock) const;

private:
  enum class Source { kValid, kSlot, kRng, kStep, kSchedule, kEmaDecay };
  struct Changing {
    Source source;
    DType dtype;
    std::uint32_t count;
    std::uint64_t offset;
    double peak = 0;     ///< schedule: peak; EMA: decay
    bool warmup = false; ///< EMA
    Schedule schedule;
  };
  std::vector<Changing> changing_;
  /// Which field is the learning rate; a field called `lr` goes before one that reads optimizer.lr.
  enum class RateField { kNone, kByKey, kByName };
  RateField rate_field_ = RateField::kNone;
  std::int64_t changing_rate_ = -1; ///< its index in changing_; -1: constant_rate_
  double constant_rate_ = 0;
};

} // namespace tailor::runtime
