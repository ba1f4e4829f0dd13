#pragma once
#include "runtime/base/file.h"
#include "runtime/data/fitted.h"
#include "runtime/exec/executor.h"
#include "runtime/train/criterion.h"
#include "runtime/train/evaluation_json.h"
#include "runtime/train/safetensors.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// The best epoch so far by `run.keep.best` or `run.early_stop.on`.
struct BestSoFar {
  std::int64_t epoch = -1; ///< 0-based over the whole run; -1 = none yet
  double value = 0;
  Criterion by; ///< what `value` is and which values beat it; values of two criteria are never compared
  bool operator==(const BestSoFar&) const = default;
};

/// Everything besides the tensors that a run needs to go on as if it had never stopped.
struct TrainingRecord {
  std::uint64_t seed = 0;
  std::int64_t stage = 0;
  std::int64_t epoch = 0;       ///< of the whole run, the one in progress
  std::int64_t stage_epoch = 0; ///< the same counted from the stage's start
  bool stage_begun = false;     ///< its groups are initialised and its fit entry has run
  std::int64_t batch = 0;       ///< next batch of that epoch
  std::int64_t step = 0;        ///< updates done in the run
  // Of the stage that has begun; a finished run keeps those of its last one.
  std::int64_t batch_size = 0; ///< rows a step
  std::int64_t steps_per_epoch = 0;
  std::int64_t stage_first_step = 0;    ///< `step` when it began
  std::int64_t clock_first_step = 0;    ///< `step` when the clock of its schedules started
  std::int64_t slots_first_step = 0;    ///< `step` when the slots of its optimizers started
  std::int64_t averages_first_step = 0; ///< `step` when its averages started
  std::int64_t statistics_step =
      -1; ///< `step` whose averages the recomputed running statistics are of; -1: none
  std::uint64_t train_hash = 0, val_hash = 0, test_hash = 0; ///< content_hash of the splits
  MetricValues epoch_sums; ///< of what steps report: value times rows, summed over the epoch in progress
  std::int64_t epoch_rows = 0;
  MetricValues last_train; ///< means of the last whole epoch
  BestSoFar best;          ///< of keep-best
  BestSoFar stop_best;     ///< of early stop
  std::int64_t epochs_without_gain = 0;
  MetricValues best_val, best_test; ///< at the best epoch
  MetricValues last_val, last_test; ///< at the last evaluated epoch; of test, when training has ended or
                                    ///< eval.test = every_epoch
  std::int64_t log_bytes = 0;       ///< length of log.jsonl that belongs to this state
  double train_seconds = 0;
  std::string outcome; ///< "" = in progress, "finished", "early_stop"

  bool operator==(const TrainingRecord&) const = default;
};

std::string record_to_json(const TrainingRecord& record);
Result<TrainingRecord> record_from_json(std::string_view json);

/// Everything of a checkpoint but where it is stored. Tensors are all states of the program under their
/// canonical names (checkpoint_name), in the program's own order.
struct Checkpoint {
  TrainingRecord record;
  FittedState fitted;
  std::vector<std::byte> states;         ///< all states, one after the other
  std::vector<std::byte> device_control; ///< device part of the control row
  std::string program;                   ///< program_identity() of what wrote it; of a file that was read
};

/// Copies the states of an executor (and what belongs to them) out.
Result<Checkpoint> take_checkpoint(Executor& executor, TrainingRecord record, FittedState fitted);

/// Puts states and device control back.
Status restore(Executor& executor, const Checkpoint& checkpoint);

/// A safetensors file whose __metadata__ holds "tailor.record", "tailor.fitted", "tailor.program",
/// "tailor.target", "tailor.device_control" and "tailor.checksum" (XXH3-64 over the other texts and the
/// data): record and tensors are one file, so one rename is one checkpoint. A text above 1 MiB (long
/// vocabularies) is a tensor of bytes of the same name behind the states instead: the format allows a header of
/// 100 MB. Written whole or not at all; the former file stays on any failure.
Status save_checkpoint(const Executor& executor, const Checkpoint& checkpoint, const std::string& path);

/// "tailor.checksum" of a file with these texts and data. For tests and fuzzers, which change files on
/// purpose.
std::string checkpoint_checksum(const TextMetadata& metadata, std::span<const std::byte> data);

/// Whether a file is one of save_checkpoint().
/// Errors   kDataLoss: it is, and damaged.
Result<bool> is_checkpoint(const SafetensorsView& view);
/// Whether a tensor of such a file is one of its texts.
bool is_checkpoint_text(std::string_view name);

/// What a checkpoint is opened for.
enum class CheckpointUse {
  kResume, ///< must come from the very same program
  kWeights ///< predict, eval: same states and classes; target, batch sizes and options may differ
};

/// Reads and checks a file against the program of `executor`.
/// Errors   kDataLoss for truncation and bit flips, kIncompatible naming the first thing that differs:
///          format version, program, target, classes, a state that is missing, unknown or of another shape.
Result<Checkpoint> load_checkpoint(const Executor& executor, const std::string& path, CheckpointUse use);

/// The same for bytes already in memory (and the fuzzer).
Result<Checkpoint> parse_checkpoint(const Artifact& artifact, std::span<const std::byte> file,
                                    CheckpointUse use);

/// The record alone, of a file that load_checkpoint() will check in full.
Result<TrainingRecord> read_record(const std::string& path);

} // namespace tailor::runtime
