#pragma once
#include "runtime/train/evaluate.h"

#include <cstdio>
#include <string>

namespace tailor::runtime {

/// Which columns predict writes, from `eval.predict.out`.
struct PredictionColumns {
  bool probability = true;
  bool decision = true;
  static Result<PredictionColumns> from(const Options& options);
};

/// A csv with one line per row of `data`, in its order: `id` (the id column, else the 0-based row of the file
/// under the name `row`), one column `p_<class>` per class, `decision` (class name). Probabilities in the
/// shortest form that reads back to the same f64. A row's line does not depend on which other rows are there.
/// Written whole or not at all.
Status write_predictions(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                         const DataSchema& schema, const PredictionColumns& columns, const std::string& path);

} // namespace tailor::runtime
