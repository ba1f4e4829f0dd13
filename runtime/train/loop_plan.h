#pragma once
#include "runtime/base/options.h"
#include "runtime/train/criterion.h"

#include <cstdint>
#include <string>

namespace tailor::runtime {

/// What the loop reads from the options of a stage (`run.*`), typed and checked.
struct LoopPlan {
  std::int64_t epochs = 0;
  std::int64_t steps = 0; ///< > 0: length of the stage instead of epochs
  std::int64_t steps_per_launch = 0;
  std::int64_t log_steps = 0;        ///< steps between lines of log.jsonl; 0: epochs only
  double checkpoint_seconds = 0;     ///< between two checkpoints, also within an epoch; 0: none by time
  std::int64_t checkpoint_every = 0; ///< epochs between two checkpoints; 0: by time only
  Criterion
      select; ///< whose best epoch is kept and reported: run.keep.best, else run.early_stop.on; empty: the last epoch
  Criterion stop;                 ///< of early stop; empty: none
  bool keeps_best = false;        ///< run.keep.best is set
  bool tests_every_epoch = false; ///< eval.test
  std::int64_t patience = 0;
  bool drop_last = false;
  std::int32_t loader_threads = 0;

  /// Errors   a metric of another split than val, a value of the wrong type, one that eval.test or eval.groups does
  ///          not know.
  static Result<LoopPlan> from(const Options& options);

  /// Steps of the whole stage. kInvalidArgument on overflow.
  Result<std::int64_t> total_steps(std::int64_t steps_per_epoch) const;
  /// Epochs of the whole stage, the last one perhaps cut short, if an epoch draws `draws` rows for batches of `batch`.
  std::int64_t num_epochs(std::int64_t draws, std::int64_t batch) const;
};

} // namespace tailor::runtime
