#pragma once
#include "runtime/metrics/evaluation.h"
#include "runtime/train/run.h"

namespace tailor::runtime {

/// Using trained weights: `predict` and `eval`.
struct ScoreOptions {
  std::string weights; ///< a checkpoint of this program (best.safetensors, last.safetensors)
  /// A csv with the program's columns (predict: the label may be absent); a folder: the program's own test
  /// split, its relative paths starting there; empty: likewise from the current folder.
  std::string data;
  std::vector<std::pair<std::string, std::string>> set; ///< run keys
  std::int32_t threads = 0;
  ExecutorFactory make_executor;
};

/// Writes the csv of write_predictions() and returns the number of rows.
Result<std::int64_t> predict(std::shared_ptr<const Artifact> artifact, const ScoreOptions& options,
                             const std::string& out_path);

/// All metrics of labelled data.
Result<EvaluationResult> evaluate_weights(std::shared_ptr<const Artifact> artifact,
                                          const ScoreOptions& options);

/// One line per metric, then accuracy and confusion counts per class (up to 20 classes).
std::string evaluation_table(const EvaluationResult& result, const DataSchema& schema);
std::string evaluation_to_json(const EvaluationResult& result, const DataSchema& schema);

} // namespace tailor::runtime
