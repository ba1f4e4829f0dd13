#pragma once
#include "runtime/metrics/evaluation.h"

#include <span>

namespace tailor::runtime {

/// What an evaluation says of the best and of the worst model there can be, on rows of given classes. Tells
/// before any training what the rows of a split can measure:
///
///   a metric that `right` lacks       is absent whatever is trained (AUC without a positive row, an empty group)
///   one that is equal in both         says the same of every model and can decide nothing (MCC of one class)
struct Extremes {
  EvaluationResult right; ///< every row decided for its class, with confidence 1 - (K - 1) e^-20
  EvaluationResult wrong; ///< every row decided for the next class (of the last: the first), likewise
};

/// `class_rows` [K]: rows of each class. Cost: that of two evaluations without the network.
/// Errors   those of Evaluation::create; counts of other K.
Result<Extremes> extremes(const EvaluationPlan& plan, std::span<const std::int64_t> class_rows);

} // namespace tailor::runtime
