#pragma once
#include "runtime/data/open.h"
#include "runtime/metrics/evaluation.h"
#include "runtime/train/loop_plan.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// Adds what `plan` watches to the metrics of `evaluation`, if it is no standard one (brier).
void add_watched(const LoopPlan& plan, EvaluationPlan& evaluation);

/// What is watched can tell a good epoch from a bad one on the validation rows at hand.
/// Errors   no validation split; an unknown metric; one that is absent or the same whatever is trained (AUC
///          without a positive row, a class group without rows), with the counts of the classes at fault and the keys of
///          `options` that give other validation rows.
Status check_watched(const LoopPlan& plan, const EvaluationPlan& evaluation, const DataBundle& data,
                     const DataSchema& schema, const Options& options);

/// One warning for each held-out split that lacks a class: which, how many rows training has of it, which
/// metrics are absent for it.
Result<std::vector<std::string>> absent_class_warnings(const EvaluationPlan& evaluation,
                                                       const DataBundle& data, const DataSchema& schema);

} // namespace tailor::runtime
