#pragma once
#include "runtime/metrics/evaluation.h"
#include "runtime/train/run.h"
#include "runtime/train/seen_rows.h"

namespace tailor::runtime {

/// Using trained weights: `predict` and `eval`.
struct ScoreOptions {
  std::string weights; ///< a checkpoint of this program (best.safetensors, last.safetensors)
  std::string run;     ///< folder of the run whose choices (its manifest) hold; empty: those of the program
  /// A csv with the program's columns (predict: the label may be absent); a folder: the program's own split,
  /// its relative paths starting there; empty: likewise, from where the run's did or the current folder.
  std::string data;
  std::string split; ///< "train", "val", "test": which of the program's own; empty: test
  std::vector<std::pair<std::string, std::string>> set; ///< run keys
  std::vector<std::string> columns;                     ///< what predict writes; empty: eval.predict.out
  std::int32_t threads = 0;
  ExecutorFactory make_executor;
};

/// Writes the csv of write_predictions() and returns the number of rows.
/// Errors   also kInvalidArgument if `out_path` is the program, the weights or a table that is read.
Result<std::int64_t> predict(std::shared_ptr<const Artifact> artifact, const ScoreOptions& options,
                             const std::string& out_path);

/// All metrics of labelled data. `seen`, if given: how many rows of a file named by `data` the weights had seen;
/// warned of in any case.
Result<EvaluationResult> evaluate_weights(std::shared_ptr<const Artifact> artifact,
                                          const ScoreOptions& options, SeenRows* seen = nullptr);

/// One line per metric, then accuracy and confusion counts per class (up to 20 classes).
std::string evaluation_table(const EvaluationResult& result, const DataSchema& schema);
/// `seen`: member "seen_rows" {"train", "val", "test"}, null where that is not known.
std::string evaluation_to_json(const EvaluationResult& result, const DataSchema& schema,
                               const SeenRows* seen = nullptr);

} // namespace tailor::runtime
