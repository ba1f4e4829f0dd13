// What may become an option of a loss: the clauses that methods.md section 2 asks for, one function per option.
// FuseClassWeights asks them before it rewrites and again to tell the user which one stopped it.
#pragma once

#include "ir/Tailor.h"
#include "passes/analysis/TrainedValues.h"
#include "passes/WrittenLoss.h"

#include <optional>
#include <string>

namespace tailor::passes {

/// A broken clause, as a remark says it.
struct Obstacle {
  llvm::StringRef reason;
  std::string text;
  std::string hint;
};
using Clause = std::optional<Obstacle>; ///< none: nothing stands in the way

/// The loss must be per row, and only `reader` may read it.
Clause againstReading(ir::SoftmaxCrossEntropyOp loss, mlir::Operation* reader);

/// softmax_cross_entropy(pick.logits, pick.labels) with row losses of the type of `value`.
Clause againstLoss(mlir::Value value, const Pick& pick);

/// What stands in the way of every rewrite in a body that TwiceDifferentiated holds.
Obstacle againstSecondDerivative();

/// L -> w[y] L. Holds for every form with one label per row but (1 - e^-v)^gamma v, whose v has the weight.
Clause againstWeights(ir::SoftmaxCrossEntropyOp loss, ir::TakeOp lookup, const TrainedValues& trained);

/// L = lse - z_y -> (1 - eps[y]) L + eps[y] / K sum(-log P): only of a loss that is just that.
Clause againstSmoothing(ir::SoftmaxCrossEntropyOp loss, const UniformTerm& uniform);

/// L -> (1 - P_y)^gamma L (P_y of the loss), or (1 - e^-L)^gamma L.
Clause againstFocal(ir::SoftmaxCrossEntropyOp loss, const FocalFactor& factor);

/// z - one_hot(y) m -> margin m: one label per row, a table that needs no gradient.
Clause againstMargin(ir::SoftmaxCrossEntropyOp loss, mlir::Value source, const TrainedValues& trained);

/// s z -> scale s. u = scale (z + bias - margin): bias and margin would have to be divided by s.
Clause againstScale(ir::SoftmaxCrossEntropyOp loss);

/// sum L / sum w[y] -> weighted_mean, whose Z is the sum of the weights of all label slots.
Clause againstWeightedMean(ir::SoftmaxCrossEntropyOp loss, ir::ReduceSumOp weights);

/// The mean of L must count the rows that L counts. `valid`: of the mean; null counts all.
Clause againstMean(ir::SoftmaxCrossEntropyOp loss, mlir::Value valid);

} // namespace tailor::passes
