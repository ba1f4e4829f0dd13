#pragma once
#include "runtime/artifact/spec.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tailor::runtime {

/// How long a run still takes, from how long its parts took so far.
///
/// Steps, evaluated batches and checkpoints are timed apart and counted apart: after one hundredth of a run there
/// may have been no evaluation and no checkpoint, or only those. A part that has not run yet (the evaluation before the
/// first epoch ended, the step of a later stage) is assumed to run at the rate, work per second, of the most similar part that has.
///
///   left = sum over this seed and the later ones, over their stages:
///          steps left * seconds per step + batches left to evaluate * seconds per batch
///          + checkpoints left * seconds per checkpoint
///
/// All of one process: a resumed run times anew. Knows no clock, so that a test may be one.
class TimeLeft {
public:
  /// What one stage of a seed does.
  struct Stage {
    std::int64_t steps = 0;
    std::int64_t steps_per_epoch = 1;
    std::int64_t epoch_batches = 0; ///< evaluated at the end of each epoch
    std::int64_t end_batches = 0; ///< evaluated when the stage is over: the test split, after the last stage
    double step_work = 0;         ///< of a step, work_of() its variant
    double batch_work = 0;        ///< of an evaluated batch
    std::int64_t checkpoint_epochs = 0; ///< between two checkpoints; 0: by time only
    double checkpoint_seconds = 0;      ///< between two checkpoints; 0: by epochs only
  };

  /// Where a seed is.
  struct Position {
    std::int64_t stage = 0;
    std::int64_t steps = 0, epochs = 0; ///< of that stage that are done
  };

  /// The stages of every seed, from the first on. What was timed stays: all seeds do the same. `state_bytes`: of a
  /// checkpoint, until one was written.
  void plan(std::vector<Stage> stages, std::uint64_t state_bytes);
  /// Where the seeds after this one are; those that have not begun at {}.
  void later_seeds(std::vector<Position> seeds) { later_ = std::move(seeds); }

  /// A stage begins or goes on: its next launch also touches memory for the first time, and is left out as soon as
  /// there is another.
  void begin_stage() { is_first_launch_ = true; }
  void launched(std::int64_t stage, std::int64_t steps, double seconds);
  void evaluated(std::int64_t stage, std::int64_t batches, double seconds);
  void saved(double seconds);

  /// Seconds from `now` to the end of the last seed; nothing before the first launch.
  std::optional<double> seconds(const Position& now) const;

private:
  /// Pieces of one kind and what they took.
  struct Timing {
    double pieces = 0, seconds = 0;
    void add(double more, double took);
    double mean() const { return seconds / pieces; }
  };
  struct StageTiming {
    Timing steps, batches, first_launch;
    const Timing& best_steps() const { return steps.pieces > 0 ? steps : first_launch; }
  };

  /// Work per second of what was timed: of steps or of evaluations, else of the other kind.
  std::optional<double> work_rate(bool evaluation) const;
  double step_seconds(std::size_t stage) const;
  double batch_seconds(std::size_t stage) const;
  double seconds_of_seed(const Position& position) const;

  std::vector<Stage> stages_;
  std::vector<Position> later_;
  std::vector<StageTiming> timings_; ///< by stage
  Timing checkpoints_;
  std::uint64_t state_bytes_ = 0;
  bool is_first_launch_ = true;
};

/// About the seconds a variant takes on one core: to compare parts that have not run with parts that have, no promise.
/// A variant without commands (another back end interprets it) counts its rows, three times in a training step: forward and the
/// two gradients.
double work_of(const Variant& variant, bool trains);

} // namespace tailor::runtime
