#pragma once
#include "runtime/exec/executor.h"
#include "runtime/metrics/summary.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/effective_options.h"
#include "runtime/train/warnings.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

/// Makes the executor an artifact runs on. The default makes a CpuExecutor.
using ExecutorFactory =
    std::function<Result<std::unique_ptr<Executor>>(std::shared_ptr<const Artifact>, const ExecutorOptions&)>;

struct SeedResult;

struct RunOptions {
  Settings set;     ///< `--set key=text`, run keys only
  std::string data; ///< a folder that relative data paths start from, or a file to train on; empty: what the
                    ///< resumed run had, else the current folder
  std::string out;  ///< empty: `run.out`, else runs/<name>-<time>
  bool resume = false; ///< go on from the last checkpoints in `out`, with the choices in its manifest
  std::int64_t stop_after_steps = -1; ///< checkpoint and stop there, schedules unchanged; -1: at the end
  std::int64_t batch = 0;           ///< variant of the step entry; 0: that of the resumed run, else the first
  std::int32_t threads = 0;         ///< 0: `run.threads`, else all cores that can help
  std::int32_t loader_threads = -1; ///< -1: `run.loader_threads`
  /// Sets everything up, takes a few steps for their time, says what the run will take, and writes nothing.
  bool dry_run = false;
  bool quiet = false; ///< no progress and no description of the run; notes and warnings are never left out
  std::vector<std::string> command_line; ///< for the manifest
  ExecutorFactory make_executor;
  /// Called once with the executor before training, to attach an observer (`--check reference`,
  /// `--trap-nonfinite`).
  std::function<Status(Executor&)> prepare_executor;
  /// Called after every seed that finished, trained now or found finished by a resume: who sets it tells
  /// what became of a seed, and no line about a single seed is printed.
  std::function<void(const SeedResult&)> seed_finished;
  /// Shared by runs that are one thing to the user: what one of them said, the others leave out.
  std::shared_ptr<Warnings> warnings;
};

/// One seed's outcome at its reported epoch: the best one if the run selects on validation, else the last.
struct SeedResult {
  std::uint64_t seed = 0;
  std::string outcome; ///< "finished", "early_stop", "stopped" (signal or step limit: to be resumed)
  std::string reason;  ///< the same in words, with what decided: "stopped early after epoch 17: val/auc ..."
  std::int64_t epochs = 0, steps = 0;
  std::int64_t reported_epoch = -1; ///< 0-based; -1: nothing was evaluated
  std::string selected_on;          ///< "val/auc" whose best epoch is reported; empty: the last epoch is
  double selected_value = 0;        ///< of that metric at the reported epoch
  std::optional<double> train_loss; ///< mean of the last whole epoch, if the step reports a loss
  double ms_per_step = 0;           ///< optimizer steps only, without evaluation and checkpoints
  MetricValues val, test;           ///< at the reported epoch; test is known when the seed has ended
  MetricValues last_val, last_test; ///< at the last epoch
};

struct MetricSummary {
  std::string name; ///< "test/balanced_accuracy"
  SeedSummary summary;
};

/// What result.json holds.
struct RunResult {
  std::string out;
  std::string latest; ///< the link that leads to it, "runs/fraud-latest"; empty: the folder was named
  std::vector<std::string> class_names;
  std::vector<std::int64_t> class_counts;     ///< of the training split
  std::vector<std::int64_t> val_class_counts; ///< of the validation split of the last seed
  std::int64_t train_rows = 0, val_rows = 0, test_rows = 0;
  std::vector<SeedResult> seeds;
  std::vector<std::pair<std::string, std::int64_t>> groups; ///< "minority", ... and how many classes it has
  std::vector<MetricSummary> metrics;                       ///< over the seeds that finished
  std::vector<std::string> shown; ///< eval.metrics: lines of the table; empty: all but those per class
  bool trained = false;           ///< false: a resume found every seed finished
  int signal = 0;                 ///< the signal that stopped the run, or 0

  /// n_min / n_max over classes with rows; 0 without any.
  double imbalance_ratio() const;
};

std::string result_to_json(const RunResult& result);
/// A line per seed: why it ended, which epoch is reported and by which metric.
std::string outcome_lines(const RunResult& result);
/// The table for the terminal: which weights it is about, then one line per metric, val and test side by side,
/// mean and standard error; a class group with how many classes it has.
std::string result_table(const RunResult& result);

/// Trains every seed of the program and writes the output folder (README.md here describes it).
///
/// Same artifact, options, data and seed: same bits in every file but times, for any number of threads,
/// loader threads and steps per launch, and across any number of stops (signal, kill -9) and resumes.
///
/// Errors   what keeps a run from starting (an output folder that holds a checkpoint, without `resume`); a
///          non-finite loss (kInvalidArgument with step, term and advice; the last good checkpoint stays); a
///          checkpoint that cannot be written (kResourceExhausted; likewise).
Result<RunResult> run_training(std::shared_ptr<const Artifact> artifact, const RunOptions& options);

} // namespace tailor::runtime
