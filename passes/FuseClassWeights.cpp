// Hand-written cross-entropies and their per-class tables become options of the one loss op. See Passes.td;
// formulas: methods.md section 2.
#include <cmath>

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/Tailor.h"
#include "passes/FusionBudget.h"
#include "passes/Grouping.h"
#include "passes/LossForm.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSECLASSWEIGHTSPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "fuse-class-weights";

using ir::Reduction;
using ir::SoftmaxCrossEntropyOp;

/// What all patterns share.
struct Context {
  FusionBudget& budget;
  const TrainedValues& trained;
};

template <typename Op> struct LossPattern : OpRewritePattern<Op> {
  LossPattern(MLIRContext* context, const Context& shared, PatternBenefit benefit = 1)
      : OpRewritePattern<Op>(context, benefit), shared(shared) {}

  const Context& shared;
};

Location fused(PatternRewriter& rewriter, Operation* first, Operation* second) {
  return rewriter.getFusedLoc({first->getLoc(), second->getLoc()});
}

/// The loss behind `value` if it can still take options: one loss per row, read here only.
SoftmaxCrossEntropyOp openLoss(Value value) {
  auto loss = value.getDefiningOp<SoftmaxCrossEntropyOp>();
  return loss && loss.getReduction() == Reduction::None && loss->hasOneUse() ? loss : nullptr;
}

//===- negative log-likelihood --------------------------------------------===//

/// Replaces `root` by softmax_cross_entropy(logits, labels) if these are a matrix and one i32 label per row.
LogicalResult makeLoss(Operation* root, Value logits, Value labels, const Context& shared,
                       PatternRewriter& rewriter) {
  auto logitsType = cast<RankedTensorType>(logits.getType());
  auto labelsType = cast<RankedTensorType>(labels.getType());
  if (logitsType.getRank() != 2 || labelsType.getRank() != 1 || !labelsType.getElementType().isInteger(32))
    return rewriter.notifyMatchFailure(root, "not [N, K] logits with one i32 label per row");
  if (!shared.budget.take()) return failure();
  LossForm form;
  form.logits = logits;
  form.labels = labels;
  form.elementType = cast<RankedTensorType>(root->getResult(0).getType()).getElementType();
  SoftmaxCrossEntropyOp loss = form.create(rewriter, root->getLoc());
  loss->setDiscardableAttrs(root->getDiscardableAttrDictionary());
  taken(root->getLoc(), kName, "cross-entropy-found", "this is softmax_cross_entropy, written by hand",
        2 * bytesOf(logits));
  rewriter.replaceOp(root, loss);
  return success();
}

bool isAlongColumns(Value value, int64_t dim) {
  return cast<RankedTensorType>(value.getType()).getRank() == 2 && dim == 1;
}

/// log P of the logits it returns: log_softmax(z) or log(softmax(z)).
Value logitsOfLogProbabilities(Value value) {
  if (auto log = value.getDefiningOp<ir::LogOp>())
    if (auto softmax = log.getOperand().getDefiningOp<ir::SoftmaxOp>())
      return isAlongColumns(softmax.getOperand(), softmax.getDim()) ? softmax.getOperand() : nullptr;
  auto logSoftmax = value.getDefiningOp<ir::LogSoftmaxOp>();
  return logSoftmax && isAlongColumns(logSoftmax.getOperand(), logSoftmax.getDim()) ? logSoftmax.getOperand()
                                                                                    : nullptr;
}

/// logsumexp(z) - take_along(z, y)
struct FindLogSumExpForm : LossPattern<ir::SubOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::SubOp sub, PatternRewriter& rewriter) const override {
    auto total = sub.getLhs().getDefiningOp<ir::LogSumExpOp>();
    auto picked = sub.getRhs().getDefiningOp<ir::TakeAlongOp>();
    if (!total || !picked || total.getOperand() != picked.getOperand() ||
        !isAlongColumns(total.getOperand(), total.getDim()))
      return rewriter.notifyMatchFailure(sub, "not logsumexp(z) - take_along(z, y)");
    return makeLoss(sub, total.getOperand(), picked.getIndex(), shared, rewriter);
  }
};

/// -take_along(log p, y) and -sum(one_hot(y) * log p)
struct FindLogProbabilityForm : LossPattern<ir::NegOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::NegOp neg, PatternRewriter& rewriter) const override {
    if (auto picked = neg.getOperand().getDefiningOp<ir::TakeAlongOp>())
      if (Value logits = logitsOfLogProbabilities(picked.getOperand()))
        return makeLoss(neg, logits, picked.getIndex(), shared, rewriter);
    if (auto sum = neg.getOperand().getDefiningOp<ir::ReduceSumOp>();
        sum && sum.getDims() == ArrayRef<int64_t>{1})
      if (auto product = sum.getOperand().getDefiningOp<ir::MulOp>())
        for (auto [a, b] :
             {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
          if (auto oneHot = a.getDefiningOp<ir::OneHotOp>())
            if (Value logits = logitsOfLogProbabilities(b))
              return makeLoss(neg, logits, oneHot.getIndex(), shared, rewriter);
    return rewriter.notifyMatchFailure(neg, "not a negative log-likelihood");
  }
};

//===- tables -------------------------------------------------------------===//

/// A [K] table spread over the rows of [N, K].
Value tableOfColumns(Value value) {
  auto broadcast = value.getDefiningOp<ir::BroadcastOp>();
  if (!broadcast || cast<RankedTensorType>(broadcast.getType()).getRank() != 2) return nullptr;
  auto type = cast<RankedTensorType>(broadcast.getOperand().getType());
  return type.getRank() == 1 && broadcast.getDims() == ArrayRef<int64_t>{1} ? broadcast.getOperand()
                                                                            : nullptr;
}

/// loss(z + b, y) -> loss(z, y) bias(b), for tables that are not trained: a trained bias belongs to its
/// layer.
struct AbsorbBias : LossPattern<SoftmaxCrossEntropyOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(SoftmaxCrossEntropyOp loss, PatternRewriter& rewriter) const override {
    Operation* shift = loss.getLogits().getDefiningOp();
    if (!isa_and_nonnull<ir::AddOp, ir::SubOp>(shift) || loss.getMargin())
      return rewriter.notifyMatchFailure(loss, "logits are not a sum");
    for (unsigned side : {1u, 0u}) {
      Value table = tableOfColumns(shift->getOperand(side));
      if (!table || (side == 0 && isa<ir::SubOp>(shift)) || shared.trained.contains(table)) continue;
      if (!shared.budget.take()) return failure();
      Location loc = fused(rewriter, loss, shift);
      LossForm form(loss);
      form.logits = shift->getOperand(1 - side);
      if (isa<ir::SubOp>(shift)) table = ir::NegOp::create(rewriter, loc, table);
      form.bias = form.bias ? ir::AddOp::create(rewriter, loc, form.bias, table).getResult() : table;
      taken(loc, kName, "bias", "the logit bias is added inside the loss",
            shift->hasOneUse() ? 2 * bytesOf(form.logits) : 0);
      rewriter.replaceOp(loss, form.createLike(rewriter, loc, loss));
      return success();
    }
    return rewriter.notifyMatchFailure(loss, "no class table is added to the logits");
  }
};

/// Sum or mean over the classes of -log p, as it stands in hand-written smoothing. `perClass` divides by K.
struct UniformTerm {
  Value logits;
  bool perClass;

  static std::optional<UniformTerm> match(Value value) {
    if (auto neg = value.getDefiningOp<ir::NegOp>()) {
      Operation* reduce = neg.getOperand().getDefiningOp();
      if (auto sum = dyn_cast_or_null<ir::ReduceSumOp>(reduce); sum && sum.getDims() == ArrayRef<int64_t>{1})
        if (Value logits = logitsOfLogProbabilities(sum.getOperand())) return UniformTerm{logits, false};
      if (auto mean = dyn_cast_or_null<ir::ReduceMeanOp>(reduce);
          mean && mean.getDims() == ArrayRef<int64_t>{1})
        if (Value logits = logitsOfLogProbabilities(mean.getOperand())) return UniformTerm{logits, true};
    }
    if (auto sub = value.getDefiningOp<ir::SubOp>()) {
      auto total = sub.getLhs().getDefiningOp<ir::LogSumExpOp>();
      auto mean = sub.getRhs().getDefiningOp<ir::ReduceMeanOp>();
      if (total && mean && total.getOperand() == mean.getOperand() &&
          mean.getDims() == ArrayRef<int64_t>{1} && isAlongColumns(total.getOperand(), total.getDim()))
        return UniformTerm{total.getOperand(), true};
    }
    return std::nullopt;
  }
};

/// A product whose one factor is a uniform term: the other factor and the term.
std::optional<std::pair<Value, UniformTerm>> scaledUniformTerm(Value value) {
  auto product = value.getDefiningOp<ir::MulOp>();
  if (!product) return std::nullopt;
  for (auto [a, b] :
       {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
    if (std::optional<UniformTerm> term = UniformTerm::match(b)) return std::pair(a, *term);
  return std::nullopt;
}

/// a * loss + b * uniform -> loss smoothing(eps), where a = 1 - eps and b = eps (mean over classes) or eps /
/// K (sum).
struct AbsorbSmoothing : LossPattern<ir::AddOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::AddOp add, PatternRewriter& rewriter) const override {
    for (auto [left, right] :
         {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())}) {
      auto product = left.getDefiningOp<ir::MulOp>();
      auto uniform = scaledUniformTerm(right);
      if (!product || !uniform) continue;
      for (auto [factor, lossValue] :
           {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())}) {
        SoftmaxCrossEntropyOp loss = openLoss(lossValue);
        if (!loss || loss.getSmoothing() || loss.getClassWeights() || loss.getMargin() ||
            loss.getFocalGamma() || loss.getMixLabels() || !loss.getLabels() ||
            !readsSameLogits(loss, uniform->second.logits))
          continue;
        int64_t classes = cast<RankedTensorType>(loss.getLogits().getType()).getDimSize(1);
        SmoothingTable table(loss.getLabels(), classes, uniform->second.perClass);
        Value eps = table.match(factor, uniform->first, rewriter, add.getLoc());
        if (!eps || shared.trained.contains(eps)) continue;
        if (!shared.budget.take()) return failure();
        Location loc = fused(rewriter, loss, add);
        LossForm form(loss);
        form.smoothing = eps;
        taken(loc, kName, "smoothing", "label smoothing is computed inside the loss",
              2 * bytesOf(loss.getLogits()));
        rewriter.replaceOp(add, form.createLike(rewriter, loc, loss));
        return success();
      }
    }
    return rewriter.notifyMatchFailure(add, "not hand-written smoothing");
  }

private:
  /// The uniform term sees the logits as the loss did, before or after a bias was moved into it.
  static bool readsSameLogits(SoftmaxCrossEntropyOp loss, Value logits) {
    if (loss.getLogits() == logits && !loss.getBias()) return true;
    auto shift = logits.getDefiningOp<ir::AddOp>();
    return shift && loss.getBias() &&
           ((shift.getLhs() == loss.getLogits() && tableOfColumns(shift.getRhs()) == loss.getBias()) ||
            (shift.getRhs() == loss.getLogits() && tableOfColumns(shift.getLhs()) == loss.getBias()));
  }
};

/// loss * take(w, labels) -> loss weights(w)
struct AbsorbWeights : LossPattern<ir::MulOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::MulOp mul, PatternRewriter& rewriter) const override {
    if (isPartOfSmoothing(mul)) return rewriter.notifyMatchFailure(mul, "a factor of hand-written smoothing");
    for (auto [lossValue, factor] :
         {std::pair(mul.getLhs(), mul.getRhs()), std::pair(mul.getRhs(), mul.getLhs())}) {
      SoftmaxCrossEntropyOp loss = openLoss(lossValue);
      auto lookup = factor.getDefiningOp<ir::TakeOp>();
      if (!loss || !lookup || lookup.getIndex() != loss.getLabels() || loss.getMixLabels() ||
          loss.getFocalOfWeighted() || shared.trained.contains(lookup.getTable()) ||
          cast<RankedTensorType>(lookup.getTable().getType()).getRank() != 1)
        continue;
      if (!shared.budget.take()) return failure();
      Location loc = fused(rewriter, loss, mul);
      LossForm form(loss);
      form.classWeights =
          form.classWeights
              ? ir::MulOp::create(rewriter, loc, form.classWeights, lookup.getTable()).getResult()
              : lookup.getTable();
      taken(loc, kName, "weights", "class weights are looked up inside the loss",
            4 * bytesOf(mul.getResult()));
      rewriter.replaceOp(mul, form.createLike(rewriter, loc, loss));
      return success();
    }
    return rewriter.notifyMatchFailure(mul, "not a loss times its class weights");
  }

private:
  static bool isPartOfSmoothing(ir::MulOp mul) {
    if (!mul->hasOneUse()) return false;
    auto add = dyn_cast<ir::AddOp>(*mul->user_begin());
    return add && scaledUniformTerm(add.getLhs() == mul.getResult() ? add.getRhs() : add.getLhs());
  }
};

//===- reductions ---------------------------------------------------------===//

/// The valid count of a 0/1 row mask, as a factor or a condition.
Value validOfMask(Value value) {
  if (auto cast = value.getDefiningOp<ir::CastOp>()) value = cast.getOperand();
  auto mask = value.getDefiningOp<ir::RowMaskOp>();
  return mask ? mask.getValid() : nullptr;
}

/// where(mask, x, 0) and x * mask: the value and the valid count.
std::pair<Value, Value> unmask(Operation* op) {
  if (auto where = dyn_cast_or_null<ir::WhereOp>(op))
    if (Value valid = validOfMask(where.getCondition());
        valid && matchPattern(where.getOnFalse(), m_AnyZeroFloat()))
      return {where.getOnTrue(), valid};
  if (auto product = dyn_cast_or_null<ir::MulOp>(op))
    for (auto [a, b] :
         {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
      if (Value valid = validOfMask(b)) return {a, valid};
  return {nullptr, nullptr};
}

/// where(mask, loss, 0) -> loss valid(...)
template <typename Op> struct AbsorbMask : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    auto [value, valid] = unmask(op);
    SoftmaxCrossEntropyOp loss = value ? openLoss(value) : nullptr;
    if (!loss || loss.getValid() || !this->shared.budget.take())
      return rewriter.notifyMatchFailure(op, "not a masked loss");
    Location loc = fused(rewriter, loss, op);
    LossForm form(loss);
    form.valid = valid;
    taken(loc, kName, "mask", "padding rows are left out inside the loss", 2 * bytesOf(loss.getLoss()));
    rewriter.replaceOp(op, form.createLike(rewriter, loc, loss));
    return success();
  }
};

/// reduce_sum, reduce_mean and masked_mean of the row losses -> reduction(...)
template <typename Op> struct AbsorbReduction : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    SoftmaxCrossEntropyOp loss = openLoss(op.getOperand());
    if (!loss) return rewriter.notifyMatchFailure(op, "not over a loss");
    LossForm form(loss);
    if constexpr (std::is_same_v<Op, ir::MaskedMeanOp>) {
      if (form.valid && form.valid != op.getValid())
        return rewriter.notifyMatchFailure(op, "another valid count");
      form.valid = op.getValid();
      form.reduction = Reduction::BatchMean;
    } else if constexpr (std::is_same_v<Op, ir::ReduceMeanOp>) {
      if (form.valid) return rewriter.notifyMatchFailure(op, "the mean counts padding rows");
      form.reduction = Reduction::BatchMean;
    } else {
      form.reduction = Reduction::Sum;
    }
    if (!this->shared.budget.take()) return failure();
    Location loc = fused(rewriter, loss, op);
    taken(loc, kName, "reduction", "the mean or sum over the batch is taken inside the loss",
          2 * bytesOf(loss.getLoss()));
    rewriter.replaceOp(op, form.createLike(rewriter, loc, loss));
    return success();
  }
};

/// sum(w[y] * nll) / sum(w[y]) -> reduction(weighted_mean)
struct AbsorbWeightedMean : LossPattern<ir::DivOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::DivOp div, PatternRewriter& rewriter) const override {
    auto loss = div.getLhs().getDefiningOp<SoftmaxCrossEntropyOp>();
    auto sum = div.getRhs().getDefiningOp<ir::ReduceSumOp>();
    if (!loss || !loss->hasOneUse() || loss.getReduction() != Reduction::Sum || !loss.getClassWeights() ||
        !sum)
      return rewriter.notifyMatchFailure(div, "not a weighted sum over a sum of weights");
    Value weights = sum.getOperand();
    if (auto [unmasked, valid] = unmask(weights.getDefiningOp()); unmasked) {
      if (valid != loss.getValid()) return rewriter.notifyMatchFailure(div, "another valid count");
      weights = unmasked;
    } else if (loss.getValid()) {
      return rewriter.notifyMatchFailure(div, "the sum of weights counts padding rows");
    }
    auto lookup = weights.getDefiningOp<ir::TakeOp>();
    if (!lookup || lookup.getTable() != loss.getClassWeights() || lookup.getIndex() != loss.getLabels() ||
        !shared.budget.take())
      return rewriter.notifyMatchFailure(div, "the divisor sums other weights");
    Location loc = fused(rewriter, loss, div);
    LossForm form(loss);
    form.reduction = Reduction::WeightedMean;
    taken(loc, kName, "weighted-mean", "the weighted mean is taken inside the loss");
    rewriter.replaceOp(div, form.createLike(rewriter, loc, loss));
    return success();
  }
};

//===- what stopped it ----------------------------------------------------===//

/// Names the clause that keeps a loss from taking what stands next to it.
void explainMisses(Operation* scope, const TrainedValues& trained) {
  scope->walk([&](ir::TakeAlongOp picked) {
    Value logits = logitsOfLogProbabilities(picked.getOperand());
    bool nearLogSumExp =
        llvm::any_of(picked.getOperand().getUsers(), [](Operation* op) { return isa<ir::LogSumExpOp>(op); });
    if (logits || nearLogSumExp)
      missed(picked.getLoc(), kName, "not-a-cross-entropy",
             "log-probabilities are looked up by label but not as logsumexp(z) - take_along(z, y) or "
             "-take_along(log_softmax(z), y) of [N, K] logits",
             "write one of these forms, or losses::softmax_cross_entropy");
  });
  scope->walk([&](SoftmaxCrossEntropyOp loss) {
    if (loss.getReduction() != Reduction::None) return;
    for (Operation* user : loss->getUsers()) {
      auto mul = dyn_cast<ir::MulOp>(user);
      bool reduces = isa<ir::ReduceSumOp, ir::ReduceMeanOp, ir::MaskedMeanOp>(user);
      auto lookup =
          mul ? (mul.getLhs() == loss.getLoss() ? mul.getRhs() : mul.getLhs()).getDefiningOp<ir::TakeOp>()
              : ir::TakeOp();
      if ((lookup || reduces) && !loss->hasOneUse()) {
        missed(user->getLoc(), kName, "loss-used-elsewhere", "the loss per row is used elsewhere",
               lookup ? "report the weighted loss instead" : "report the reduced loss instead");
      } else if (lookup && lookup.getIndex() != loss.getLabels()) {
        missed(user->getLoc(), kName, "other-labels",
               "the weights are looked up by other labels than the loss uses");
      } else if (lookup && trained.contains(lookup.getTable())) {
        missed(user->getLoc(), kName, "trained-table",
               "the class weights are trained, so they need a gradient", "pass them through stop_gradient");
      }
    }
  });
}

struct FuseClassWeights : impl::FuseClassWeightsPassBase<FuseClassWeights> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    TrainedValues trained(getOperation());
    Context shared{budget, trained};
    MLIRContext* context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<FindLogSumExpForm, FindLogProbabilityForm, AbsorbBias, AbsorbWeights, AbsorbSmoothing,
                 AbsorbMask<ir::WhereOp>, AbsorbMask<ir::MulOp>, AbsorbReduction<ir::ReduceSumOp>,
                 AbsorbReduction<ir::ReduceMeanOp>, AbsorbReduction<ir::MaskedMeanOp>, AbsorbWeightedMean>(
        context, shared);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) return signalPassFailure();
    explainMisses(getOperation(), trained);
  }
};

} // namespace
} // namespace tailor::passes
