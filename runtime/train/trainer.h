#pragma once
#include "runtime/train/evaluation_json.h"
#include "runtime/train/progress.h"
#include "runtime/train/run_log.h"
#include "runtime/train/stage_run.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tailor::runtime {

/// Trains one seed through all stages. Drives the executor, the loader, evaluation, the log and checkpoints.
class Trainer {
public:
  Trainer(Executor& executor, const Options& options, const DataPlan& data_plan, const DataBundle& data,
          Warnings& warnings, TimeLeft& time_left, TrainerOptions trainer)
      : setup_{executor, options, data_plan, data, warnings, time_left, std::move(trainer)} {
    record_.seed = setup_.trainer.seed;
    record_.train_hash = content_hash(data.train);
    record_.val_hash = content_hash(data.val);
    record_.test_hash = content_hash(data.test);
  }

  /// First of all: goes on from `checkpoint` (its states, counters and log).
  /// Errors   kIncompatible: it is of another seed, or one of its splits held other rows.
  Status resume_from(const Checkpoint& checkpoint);

  /// After resume_from() of a finished run: opens its last stage again if that is longer now. Empty if so,
  /// else why there is nothing to go on with ("it has done its 3 epochs").
  Result<std::string> reopen();

  /// Sets up the stage in progress. A best epoch by another criterion than the stage's is given up, with a
  /// warning: their values cannot be compared. Writes nothing to the disk, so that whatever keeps a run from starting
  /// leaves the folder as it is.
  /// Errors   those of StageRun::begin.
  Status prepare();

  /// Takes steps for `seconds`, or to the end of the epoch, and says what that tells of the whole run: "390 steps an epoch,
  /// 200 epochs, 78000 steps; 8.1 ms per step; about 11 m to the end". Writes nothing; the states are those of the steps.
  Result<std::string> forecast(double seconds);

  /// Runs to the end, to early stop, to the step limit or to a signal; the last three and the end leave a
  /// checkpoint. The test split is measured at the end, with the last weights and with those of the best epoch:
  /// figures of test after every epoch (eval.test = every_epoch) invite choosing by them.
  Status train();

  /// What is known afterwards; record().outcome is empty if the run is to be resumed.
  const TrainingRecord& record() const { return record_; }

  static std::string last_path(const std::string& folder) { return folder + "/last.safetensors"; }
  static std::string best_path(const std::string& folder) { return folder + "/best.safetensors"; }

private:
  Status train_stage(Progress& progress, bool& stop);
  /// By a signal or the step limit.
  bool stop_requested() const;
  Status launch(std::int64_t count);
  /// Of the rows of the step that `metrics` is of, what share `report` is of.
  double share_of_rows(const StageRun::Reported& report, const std::byte* metrics) const;
  /// Adds what step `step` reported over `valid` rows to the epoch's sums.
  /// Errors   a number that is not finite; a share of rows that is not between 0 and 1.
  Status take_reports(const std::byte* metrics, std::int32_t valid, std::int64_t step);
  /// The learning rate of a step: of the control field that its entry names, else what it reports as "lr".
  std::optional<double> rate_at(const StepValues& values, const std::byte* metrics) const;
  /// The line of log.jsonl that `run.log_steps` asks for.
  Status log_step(const std::byte* metrics, std::int64_t step);
  /// What ends a run whose numbers left the finite ones at 0-based `step`.
  Status diverged(const std::string& name, double value, std::int64_t step) const;
  /// Says once that the mean loss of the epoch is far above that of the stage's first step.
  void warn_of_divergence();
  Status end_epoch(Progress& progress, bool& stop);
  /// "loss 0.31  val/loss 0.52  val/auc 0.84 (best 0.86, epoch 7)": what is watched, else balanced accuracy.
  std::string epoch_summary() const;
  /// Test metrics of the weights as they are and of the best epoch's, where they are not known yet.
  Status measure_test();
  /// The states are those of the best epoch while `function` runs.
  Status with_best_weights(const std::function<Status()>& function);
  /// As if no epoch had been judged yet.
  void forget_best();
  /// Keeps the best epoch and counts epochs without gain; true if training should stop.
  Result<bool> judge_epoch();
  Status end_stage(bool early);
  /// Makes the running statistics of averaged weights those of the weights as they are, where an evaluation reads them.
  Status refresh_statistics();
  /// A checkpoint that training can end with: its statistics are those of its weights.
  Status save();
  /// Whether so much time has passed since the last checkpoint that another one is due.
  bool is_checkpoint_due() const;
  /// Seconds to the end of the run; nothing before the first launch.
  std::optional<double> seconds_left() const;
  /// A checkpoint that training goes on from. Statistics of averaged weights may be older than the weights, and the record
  /// says so: a pass over the training rows every ten minutes would cost large networks half their time.
  Status save_progress();
  std::int64_t num_stages() const { return std::ssize(setup_.executor.spec().stages); }
  const Stage& stage() const {
    return setup_.executor.spec().stages[static_cast<std::size_t>(record_.stage)];
  }

  SeedSetup setup_;
  TrainingRecord record_;
  std::optional<StageRun> run_; ///< the stage in progress, once prepared
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Checkpoint> best_; ///< the best epoch, if not yet on disk
  std::chrono::steady_clock::time_point last_save_ = std::chrono::steady_clock::now();
  std::optional<double> last_loss_;
  std::optional<double> first_loss_; ///< of the stage, or of what this process trained of it
  std::vector<std::int32_t> valid_;  ///< rows of the batches of one launch
};

} // namespace tailor::runtime
