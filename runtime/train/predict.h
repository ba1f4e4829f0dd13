#pragma once
#include "runtime/options/eval_keys.h"
#include "runtime/train/evaluate.h"

#include <cstdio>
#include <string>

namespace tailor::runtime {

/// Which columns predict writes, from `eval.predict.out`; always in the order of the members.
struct PredictionColumns {
  bool probability = false; ///< p_<class>, one per class
  bool decision = false;    ///< decision: class name
  bool logits = false;      ///< z_<class>, one per class; `logit` in the one-logit form
  bool features = false;    ///< f_0, f_1, ...: what the program's eval step gives as features
  bool label = false;       ///< label: class name of the data's own label
  static PredictionColumns of(const std::vector<PredictionColumn>& columns);
  /// By their words. Errors: another name.
  static Result<PredictionColumns> named(const std::vector<std::string>& names);
  /// As eval.predict.out says.
  static Result<PredictionColumns> from(const Options& options);
};

/// A csv with one line per row of `data`, in its order: `id` (the id column, else the 0-based row of the file
/// under the name `row`), then the columns of PredictionColumns. Numbers in the shortest form that reads back to the same
/// f64 (probabilities) or f32 (logits, features). A row's line does not depend on which other rows are there.
/// Written whole or not at all; to standard output if `path` is "-".
/// Errors   features of a program that gives none; labels of data without.
Status write_predictions(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                         const DataSchema& schema, const PredictionColumns& columns, const std::string& path);

} // namespace tailor::runtime
