// One op for a loss and its logits gradient. See Passes.td.
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FusionBudget.h"
#include "passes/Grouping.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSELOSSBACKWARDPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "fuse-loss-backward";

/// True if `value` is computed from a result of `source`, within their block.
bool dependsOn(Value value, Operation* source) {
  SmallVector<Value> open{value};
  DenseSet<Operation*> seen;
  while (!open.empty()) {
    Operation* op = open.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second) continue;
    if (op == source) return true;
    llvm::append_range(open, op->getOperands());
  }
  return false;
}

/// Equal tables, reduction and options. The gradient op has one more operand segment, its first.
bool sameOptions(Operation* loss, Operation* gradient) {
  constexpr llvm::StringLiteral kSegments = "operandSegmentSizes";
  NamedAttrList options(cast<DictionaryAttr>(loss->getPropertiesAsAttribute()));
  NamedAttrList gradientOptions(cast<DictionaryAttr>(gradient->getPropertiesAsAttribute()));
  auto segments = cast<DenseI32ArrayAttr>(options.erase(kSegments));
  auto gradientSegments = cast<DenseI32ArrayAttr>(gradientOptions.erase(kSegments));
  return segments.asArrayRef() == gradientSegments.asArrayRef().drop_front() &&
         options.getDictionary(loss->getContext()) == gradientOptions.getDictionary(loss->getContext());
}

/// Joins every `LossOp` with the `GradOp` that has its operands (after the incoming gradient) and properties.
template <typename LossOp, typename GradOp, typename WithGradOp>
void joinPairs(Block& block, FusionBudget& budget) {
  for (auto gradient : llvm::make_early_inc_range(block.getOps<GradOp>())) {
    auto isForward = [&](LossOp loss) {
      return llvm::equal(loss->getOperands(), gradient->getOperands().drop_front()) &&
             sameOptions(loss, gradient);
    };
    LossOp loss;
    for (auto candidate : block.template getOps<LossOp>())
      if (isForward(candidate)) {
        loss = candidate;
        break;
      }
    if (!loss) continue;
    Location loc = FusedLoc::get(gradient.getContext(), {loss.getLoc(), gradient.getLoc()});
    if (dependsOn(gradient.getLossGrad(), loss)) {
      missed(loc, kName, "gradient-needs-loss",
             "the gradient that enters the loss is computed from the loss itself, so they are two kernels",
             "scale the loss by a value that does not depend on it", tracedOps({loss, gradient}));
      continue;
    }
    if (!budget.take()) continue;
    // At the place of the loss: its users may stand before the gradient op. What the incoming gradient is
    // made of moves up with it.
    SetVector<Operation*> slice;
    BackwardSliceOptions options;
    options.filter = [&](Operation* op) { return op->getBlock() == &block && loss->isBeforeInBlock(op); };
    options.inclusive = true;
    if (Operation* producer = gradient.getLossGrad().getDefiningOp(); producer && options.filter(producer))
      (void)getBackwardSlice(producer, &slice, options);
    for (Operation* op : slice)
      op->moveBefore(loss);
    OpBuilder builder(loss);
    auto joined = WithGradOp::create(builder, loc, loss, gradient.getLossGrad());
    ir::inheritOrigin(joined, {loss, gradient});
    taken(loc, kName, "loss-with-gradient", "loss and its gradient come from one pass over the logits",
          bytesOf(loss.getLogits()), tracedOps({loss, gradient}));
    loss.replaceAllUsesWith(joined.getLoss());
    gradient.replaceAllUsesWith(joined.getLogitsGrad());
    gradient.erase();
    loss.erase();
  }
}

struct FuseLossBackward : impl::FuseLossBackwardPassBase<FuseLossBackward> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    getOperation().walk([&](Block* block) {
      joinPairs<ir::SoftmaxCrossEntropyOp, ir::SoftmaxCrossEntropyGradOp, ir::SoftmaxCrossEntropyWithGradOp>(
          *block, budget);
      joinPairs<ir::SigmoidCrossEntropyOp, ir::SigmoidCrossEntropyGradOp, ir::SigmoidCrossEntropyWithGradOp>(
          *block, budget);
    });
  }
};

} // namespace
} // namespace tailor::passes
