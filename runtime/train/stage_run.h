#pragma once
#include "runtime/data/augmenter.h"
#include "runtime/data/open.h"
#include "runtime/exec/executor.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/control_rows.h"
#include "runtime/train/evaluate.h"
#include "runtime/train/loop_plan.h"
#include "runtime/train/statistics_pass.h"
#include "runtime/train/time_left.h"
#include "runtime/train/warnings.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

class PretrainedWeights;

struct TrainerOptions {
  std::string folder; ///< of this seed
  std::uint64_t seed = 0;
  std::int64_t batch = 0;
  std::int32_t loader_threads = -1;
  std::int64_t stop_after_steps = -1;
  bool quiet = false;
  /// Batch slots: training uses [0, train_slots), evaluation the next Evaluator::kSlots.
  std::uint32_t train_slots = 16;
  /// What a seed that begins reads its first weights from; null: none.
  const PretrainedWeights* weights = nullptr;
};

/// What one seed trains with, from its first stage to its last.
struct SeedSetup {
  Executor& executor;
  const Options& options;
  const DataPlan& data_plan;
  const DataBundle& data;
  Warnings& warnings;
  TimeLeft& time_left; ///< of the run
  TrainerOptions trainer;
};

/// One stage while it runs.
struct StageRun {
  const Stage* stage = nullptr;
  Options options; ///< options_of_stage()
  LoopPlan plan;
  VariantId variant;
  ControlRows control;
  std::vector<ControlRows::Row> rows;         ///< that its step reads
  std::unique_ptr<const Augmenter> augmenter; ///< of the loader; null: images stay as they are
  std::unique_ptr<BatchLoader> loader;
  std::int64_t steps_per_epoch = 0, total_steps = 0, num_epochs = 0;
  std::int64_t val_batches = 0, test_batches = 0; ///< of its evaluations
  /// The clock of schedules and rows: the step of the run at which it started, and the steps it will count, those of
  /// stages that continue with it included. Where a stage before ended early it counts what is left.
  std::int64_t clock_first_step = 0, clock_steps = 0;
  /// The steps at which optimizer slots and averages started: with the clock, or with this stage.
  std::int64_t slots_first_step = 0, averages_first_step = 0;
  std::int32_t learning_rate_field =
      -1; ///< control field the log shows as the rate; -1: a report called "lr", if any
  std::unique_ptr<Evaluator> evaluator;
  EvaluationPlan evaluation;
  std::optional<StatisticsPass> statistics; ///< what the evaluation needs before it
  /// One number that a step reports: an element of a metric field.
  struct Reported {
    std::string name; ///< of the field; "x[1]" for an element of several
    const MetricField* field = nullptr;
    std::uint32_t element = 0;
    std::int32_t count = -1; ///< the report that says of which share of a step's rows it is; -1: of all
    bool is_count = false;   ///< is that of another report, and not logged itself
  };
  std::vector<Reported> reports;
  std::optional<double> learning_rate;         ///< of the last step
  double loader_seconds = 0, step_seconds = 0; ///< of the epoch in progress

  /// Sets up stage `record.stage` from where `record` stands, and tells setup.time_left of all stages. A stage that has not begun gets its copies, initial
  /// states, fitted states and class tables first, and `record` says so. Warns where batch normalisation meets
  /// a batch of one row, and of table rows that no epoch reaches.
  /// Errors   what keeps the stage from running, or one after it as far as its options and the data tell; one
  ///          that was begun with another batch size or another number of steps in an epoch; stages that share a
  ///          clock but not the length of an epoch.
  static Result<StageRun> begin(const SeedSetup& setup, TrainingRecord& record);
};

} // namespace tailor::runtime
