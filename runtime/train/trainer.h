#pragma once
#include "runtime/data/open.h"
#include "runtime/exec/executor.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/control_rows.h"
#include "runtime/train/evaluate.h"
#include "runtime/train/progress.h"
#include "runtime/train/run_log.h"

#include <memory>
#include <string>

namespace tailor::runtime {

/// What the loop reads from the options of a stage (`run.*`), typed and checked.
struct LoopPlan {
  std::int64_t epochs = 1;
  std::int64_t steps = 0; ///< > 0: length of the stage instead of epochs
  std::int64_t steps_per_launch = 1;
  std::int64_t checkpoint_every = 0; ///< epochs; 0: at the first epoch end after ten seconds
  std::string select_on; ///< metric of val whose best epoch is kept and reported; empty: the last epoch
  bool select_higher = true;
  std::string stop_on; ///< metric of val for early stop; empty: none
  bool stop_higher = true;
  std::int64_t patience = 0;
  bool drop_last = false;
  std::int32_t loader_threads = 1;

  /// Errors   a metric of another split than val, a value of the wrong type.
  static Result<LoopPlan> from(const Options& options);
};

struct TrainerOptions {
  std::string folder; ///< of this seed
  std::uint64_t seed = 0;
  std::int64_t batch = 0;
  std::int32_t loader_threads = -1;
  std::int64_t stop_after_steps = -1;
  bool quiet = false;
  /// Batch slots: training uses [0, train_slots), evaluation the next Evaluator::kSlots.
  std::uint32_t train_slots = 16;
};

/// Trains one seed through all stages. Drives the executor, the loader, evaluation, the log and checkpoints.
class Trainer {
public:
  Trainer(Executor& executor, const Options& options, const DataPlan& data_plan, const DataBundle& data,
          TrainerOptions trainer)
      : executor_(executor), options_(options), data_plan_(data_plan), data_(data),
        trainer_(std::move(trainer)) {
    record_.seed = trainer_.seed;
  }

  /// Before train(): goes on from `checkpoint` (its states, counters and log).
  Status resume_from(const Checkpoint& checkpoint);

  /// Runs to the end, to early stop, to the step limit or to a signal; the last three and the end leave a
  /// checkpoint.
  Status train();

  /// What is known afterwards; record().outcome is empty if the run is to be resumed.
  const TrainingRecord& record() const { return record_; }

  static std::string last_path(const std::string& folder) { return folder + "/last.safetensors"; }
  static std::string best_path(const std::string& folder) { return folder + "/best.safetensors"; }

private:
  /// One stage while it runs.
  struct StageRun {
    const Stage* stage = nullptr;
    Options options;
    LoopPlan plan;
    VariantId variant;
    ControlRows control;
    std::unique_ptr<BatchLoader> loader;
    std::int64_t steps_per_epoch = 0, total_steps = 0, num_epochs = 0;
    std::unique_ptr<Evaluator> evaluator;
    EvaluationPlan evaluation;
    std::vector<std::pair<std::string, const MetricField*>> watched; ///< metrics that must stay finite
    const MetricField* loss = nullptr;
    double learning_rate = 0;                    ///< of the last step
    double loader_seconds = 0, step_seconds = 0; ///< of the epoch in progress
  };

  Result<StageRun> begin_stage();
  Status write_fitted_states();
  Status run_fit_entry(const StageRun& run);
  Status train_stage(StageRun& run, Progress& progress, bool& stop);
  Status launch(StageRun& run, std::int64_t count);
  Status check_finite(const StageRun& run, const std::byte* metrics, std::int64_t step) const;
  Status end_epoch(StageRun& run, Progress& progress, bool& stop);
  Result<EvaluationResult> evaluate_split(StageRun& run, const Dataset& data);
  /// Keeps the best epoch and counts epochs without gain; true if training should stop.
  Result<bool> judge_epoch(const StageRun& run);
  Status save();

  Executor& executor_;
  const Options& options_;
  const DataPlan& data_plan_;
  const DataBundle& data_;
  TrainerOptions trainer_;
  TrainingRecord record_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Checkpoint> best_; ///< the best epoch, if not yet on disk
  std::chrono::steady_clock::time_point last_save_ = std::chrono::steady_clock::now();
  double last_loss_ = 0;
  std::vector<std::int32_t> valid_; ///< rows of the batches of one launch
};

/// Value of the metric `name` ("balanced_accuracy") or nullopt.
std::optional<double> metric_value(const MetricValues& metrics, std::string_view name);

} // namespace tailor::runtime
