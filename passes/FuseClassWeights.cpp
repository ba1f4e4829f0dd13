// Hand-written cross-entropies and their per-class tables become options of the one loss op. See Passes.td;
// formulas: methods.md section 2. What is recognised: WrittenLoss. What may be rewritten: LossClauses.
#include "ir/Tailor.h"
#include "passes/ExplainLosses.h"
#include "passes/FusionBudget.h"
#include "passes/Grouping.h"
#include "passes/LossClauses.h"
#include "passes/LossForm.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

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
  const TwiceDifferentiated& twice;
};

template <typename Op> struct LossPattern : OpRewritePattern<Op> {
  LossPattern(MLIRContext* context, const Context& shared, PatternBenefit benefit = 1)
      : OpRewritePattern<Op>(context, benefit), shared(shared) {}

  const Context& shared;
};

Location fused(PatternRewriter& rewriter, Operation* first, Operation* second) {
  return rewriter.getFusedLoc({first->getLoc(), second->getLoc()});
}

/// The ids a remark is about: of the ops and of what they read directly.
SmallVector<int64_t> idsOf(Operation* first, Operation* second = nullptr) {
  SmallVector<Operation*> ops;
  for (Operation* op : {first, second}) {
    if (!op) continue;
    ops.push_back(op);
    for (Value operand : op->getOperands())
      if (Operation* source = operand.getDefiningOp(); source && !isa<ir::DotOp>(source))
        ops.push_back(source);
  }
  return tracedOps(ops);
}

SoftmaxCrossEntropyOp rowLoss(Value value) {
  auto loss = value.getDefiningOp<SoftmaxCrossEntropyOp>();
  return loss && loss.getReduction() == Reduction::None ? loss : nullptr;
}

bool isScalar(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank() == 0;
}

//===- negative log-likelihood --------------------------------------------===//

/// Replaces `root` by softmax_cross_entropy(logits, labels) or, if `negated`, by minus that.
LogicalResult makeLoss(Operation* root, const Pick& pick, bool negated, const Context& shared,
                       PatternRewriter& rewriter) {
  if (shared.twice.contains(root))
    return rewriter.notifyMatchFailure(root, "its gradient is differentiated again");
  if (againstLoss(root->getResult(0), pick))
    return rewriter.notifyMatchFailure(root, "not logits and labels of a loss");
  if (!shared.budget.take()) return failure();
  LossForm form;
  form.logits = pick.logits;
  form.labels = pick.labels;
  form.elementType = cast<RankedTensorType>(root->getResult(0).getType()).getElementType();
  SoftmaxCrossEntropyOp loss = form.create(rewriter, root->getLoc());
  loss->setDiscardableAttrs(root->getDiscardableAttrDictionary());
  taken(root->getLoc(), kName, "cross-entropy-found", "this is softmax_cross_entropy, written by hand",
        2 * bytesOf(pick.logits), idsOf(root));
  if (!negated) {
    rewriter.replaceOp(root, loss);
    return success();
  }
  auto minus = rewriter.replaceOpWithNewOp<ir::NegOp>(root, loss.getLoss());
  minus->setDiscardableAttrs(loss->getDiscardableAttrDictionary());
  return success();
}

/// logsumexp(z) - z_y
template <typename Op> struct FindNormalisedForm : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    std::optional<CrossEntropy> found = normalisedForm(op);
    if (!found) return rewriter.notifyMatchFailure(op, "not logsumexp(z) - z_y");
    return makeLoss(op, found->pick, found->negated, this->shared, rewriter);
  }
};

/// log P_y = -loss. The sign travels to where the likelihood is negated: PushNegation.
template <typename Op> struct FindLogLikelihood : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    std::optional<Pick> found = logLikelihood(op->getResult(0));
    if (!found) return rewriter.notifyMatchFailure(op, "not the logarithm of a likelihood");
    return makeLoss(op, *found, /*negated=*/true, this->shared, rewriter);
  }
};

/// True for a loss and for what the rewrites below make of it step by step.
bool carriesLoss(Value value, unsigned depth = 0) {
  Operation* op = value.getDefiningOp();
  if (!op || depth > 6) return false;
  if (isa<SoftmaxCrossEntropyOp>(op)) return true;
  if (!isa<ir::MulOp, ir::WhereOp, ir::DivOp, ir::ReduceSumOp, ir::ReduceMeanOp, ir::MaskedMeanOp>(op))
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return carriesLoss(operand, depth + 1); });
}

/// f(-loss) -> -f(loss) for everything a loss passes through; two of them cancel.
template <typename Op> struct PushNegation : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    unsigned last = isa<ir::MulOp>(op) ? 1 : 0;
    if constexpr (std::is_same_v<Op, ir::WhereOp>) {
      if (splatOf(op.getOnFalse()) != 0.0) return rewriter.notifyMatchFailure(op, "not a mask");
      last = 1;
    }
    for (unsigned i = isa<ir::WhereOp>(op) ? 1 : 0; i <= last; ++i) {
      auto minus = op->getOperand(i).template getDefiningOp<ir::NegOp>();
      if (!minus || !carriesLoss(minus.getOperand())) continue;
      Operation* plain = rewriter.clone(*op);
      plain->setOperand(i, minus.getOperand());
      auto result = rewriter.replaceOpWithNewOp<ir::NegOp>(op, plain->getResult(0));
      result->setDiscardableAttrs(minus->getDiscardableAttrDictionary());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no negated loss");
  }
};

//===- logits -------------------------------------------------------------===//

/// Options that change the logits: u = scale (z + bias - margin[y] one_hot(y)), and a shift of a whole row, which
/// softmax does not see.
struct AbsorbLogits : LossPattern<SoftmaxCrossEntropyOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(SoftmaxCrossEntropyOp loss, PatternRewriter& rewriter) const override {
    Operation* op = loss.getLogits().getDefiningOp();
    if (!op || !op->hasOneUse()) return rewriter.notifyMatchFailure(loss, "logits are used as they are");
    if (isa<ir::AddOp, ir::SubOp>(op)) return absorbTerm(loss, op, rewriter);
    if (isa<ir::MulOp, ir::DivOp>(op)) return absorbScale(loss, op, rewriter);
    return rewriter.notifyMatchFailure(loss, "logits are not shifted or scaled");
  }

private:
  LogicalResult absorbTerm(SoftmaxCrossEntropyOp loss, Operation* op, PatternRewriter& rewriter) const {
    int64_t classes = cast<RankedTensorType>(loss.getLogits().getType()).getDimSize(1);
    bool subtracts = isa<ir::SubOp>(op);
    for (unsigned side : {1u, 0u}) {
      if (side == 0 && subtracts) break;
      Value term = op->getOperand(side);
      bool isShift = isConstantPerRow(term);
      Value table = isShift ? Value() : spreadOverRows(term);
      Value margin = loss.getLabels() ? ofLabelOnly(term, loss.getLabels()) : Value();
      if (table && shared.trained.contains(table)) table = nullptr; // a trained bias belongs to its layer
      if (margin && againstMargin(loss, margin, shared.trained)) margin = nullptr;
      if (!table && !margin && !isShift) continue;
      if (!shared.budget.take()) return failure();
      Location loc = fused(rewriter, loss, op);
      LossForm form(loss);
      form.logits = op->getOperand(1 - side);
      // A bias is added and a margin subtracted; the term may be either.
      auto combined = [&](Value source, bool flip, Value present) -> Value {
        Value entries = tableFrom(source, classes, rewriter, loc);
        if (flip) entries = ir::NegOp::create(rewriter, loc, entries);
        return present ? ir::AddOp::create(rewriter, loc, present, entries).getResult() : entries;
      };
      int64_t saved = 2 * bytesOf(form.logits);
      if (table) {
        form.bias = combined(table, subtracts, form.bias);
        taken(loc, kName, "bias", "the logit bias is added inside the loss", saved, idsOf(op, loss));
      } else if (margin) {
        form.margin = combined(margin, !subtracts, form.margin);
        taken(loc, kName, "margin", "the margins are subtracted inside the loss", saved, idsOf(op, loss));
      } else {
        taken(loc, kName, "row-shift", "a shift of all classes alike does not change the loss", saved,
              idsOf(op, loss));
      }
      rewriter.replaceOp(loss, form.createLike(rewriter, loc, loss));
      return success();
    }
    return rewriter.notifyMatchFailure(loss, "no class table is added to the logits");
  }

  LogicalResult absorbScale(SoftmaxCrossEntropyOp loss, Operation* op, PatternRewriter& rewriter) const {
    if (againstScale(loss)) return rewriter.notifyMatchFailure(loss, "a table is added to scaled logits");
    for (unsigned side : {1u, 0u}) {
      if (side == 0 && isa<ir::DivOp>(op)) break;
      std::optional<double> number = splatOf(op->getOperand(side));
      if (!number) continue;
      double scale = isa<ir::DivOp>(op) ? 1.0 / *number : *number;
      if (!(scale > 0.0) || !std::isfinite(scale)) break;
      if (!shared.budget.take()) return failure();
      Location loc = fused(rewriter, loss, op);
      LossForm form(loss);
      form.logits = op->getOperand(1 - side);
      form.scale = llvm::APFloat(form.scale.convertToDouble() * scale);
      taken(loc, kName, "scale", "the logits are scaled inside the loss", 2 * bytesOf(form.logits),
            idsOf(op, loss));
      rewriter.replaceOp(loss, form.createLike(rewriter, loc, loss));
      return success();
    }
    return rewriter.notifyMatchFailure(loss, "not scaled by a positive constant");
  }
};

//===- smoothing ----------------------------------------------------------===//

/// The row values behind a reduction that equals the one the loss has; `value` itself if it has none.
Value unreduced(Value value, SoftmaxCrossEntropyOp loss) {
  Operation* op = value.getDefiningOp();
  Value operand;
  switch (loss.getReduction()) {
  case Reduction::None:
    return value;
  case Reduction::BatchMean:
    if (auto mean = dyn_cast_or_null<ir::ReduceMeanOp>(op); mean && !loss.getValid())
      operand = mean.getOperand();
    if (auto mean = dyn_cast_or_null<ir::MaskedMeanOp>(op); mean && mean.getValid() == loss.getValid())
      operand = mean.getOperand();
    break;
  case Reduction::Sum:
    if (auto sum = dyn_cast_or_null<ir::ReduceSumOp>(op); sum && !loss.getValid()) operand = sum.getOperand();
    break;
  case Reduction::WeightedMean:
    break;
  }
  return operand && isScalar(value) && cast<RankedTensorType>(operand.getType()).getRank() == 1 ? operand
                                                                                                : nullptr;
}

/// True if `op` reaches `root` through negations and products that nothing else reads.
bool readOnlyBy(Operation* op, Operation* root) {
  while (op != root) {
    if (!op->hasOneUse()) return false;
    op = *op->user_begin();
  }
  return true;
}

/// a * loss + b * uniform -> loss smoothing(eps), where a = 1 - eps and b = eps (mean over classes) or eps / K
/// (sum); signs and order as they come.
template <typename Op> struct AbsorbSmoothing : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    for (unsigned side : {0u, 1u}) {
      Product lossTerm = Product::of(op->getOperand(side)),
              uniformTerm = Product::of(op->getOperand(1 - side));
      if (lossTerm.factors.size() != 2 || uniformTerm.factors.size() != 2) continue;
      bool subtracts = isa<ir::SubOp>(op);
      for (unsigned lossAt : {0u, 1u}) {
        auto loss = lossTerm.factors[lossAt].template getDefiningOp<SoftmaxCrossEntropyOp>();
        if (!loss || !readOnlyBy(loss, op)) continue;
        for (unsigned uniformAt : {0u, 1u}) {
          Value rows = unreduced(uniformTerm.factors[uniformAt], loss);
          std::optional<UniformTerm> uniform = rows ? UniformTerm::match(rows) : std::nullopt;
          if (!uniform || againstSmoothing(loss, *uniform)) continue;
          bool lossNegative = lossTerm.negative != (subtracts && side == 1);
          bool uniformNegative = (uniformTerm.negative != uniform->negative) != (subtracts && side == 0);
          if (lossNegative != uniformNegative) continue;
          if (succeeded(rewrite(op, loss, lossTerm.factors[1 - lossAt], uniformTerm.factors[1 - uniformAt],
                                uniform->perClass, lossNegative, rewriter)))
            return success();
        }
      }
    }
    return rewriter.notifyMatchFailure(op, "not hand-written smoothing");
  }

private:
  LogicalResult rewrite(Op op, SoftmaxCrossEntropyOp loss, Value keep, Value spread, bool perClass,
                        bool negated, PatternRewriter& rewriter) const {
    int64_t classes = cast<RankedTensorType>(loss.getLogits().getType()).getDimSize(1);
    std::optional<SmoothingTable::Eps> eps =
        SmoothingTable(loss.getLabels(), classes, perClass).match(keep, spread);
    if (!eps || (eps->value && this->shared.trained.contains(eps->value)) || !this->shared.budget.take())
      return failure();
    Location loc = fused(rewriter, loss, op);
    LossForm form(loss);
    if (eps->value) {
      form.smoothing = tableFrom(eps->value, classes, rewriter, loc);
    } else {
      auto type = RankedTensorType::get({classes}, form.elementType);
      form.smoothing = ir::ConstantOp::create(rewriter, loc, type, *eps->number);
    }
    taken(loc, kName, "smoothing", "label smoothing is computed inside the loss",
          2 * bytesOf(loss.getLogits()), idsOf(op, loss));
    Value smoothed = form.createLike(rewriter, loc, loss).getLoss();
    if (negated) {
      auto minus = ir::NegOp::create(rewriter, loc, smoothed);
      minus->setDiscardableAttrs(loss->getDiscardableAttrDictionary());
      smoothed = minus;
    }
    rewriter.replaceOp(op, smoothed);
    return success();
  }
};

//===- factors ------------------------------------------------------------===//

/// loss * take(w, labels) -> weights(w); loss * mask -> valid; loss * (1 - p)^gamma -> focal. Products are taken
/// apart first, so the order and grouping of the factors does not matter.
struct AbsorbFactor : LossPattern<ir::MulOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::MulOp root, PatternRewriter& rewriter) const override {
    if (isFactor(root) || isPartOfSmoothing(root))
      return rewriter.notifyMatchFailure(root, "part of a larger form");
    SmallVector<Value, 4> factors;
    llvm::SmallPtrSet<Operation*, 4> products;
    collect(root, factors, products);
    for (auto [at, factor] : llvm::enumerate(factors)) {
      SoftmaxCrossEntropyOp loss = rowLoss(factor);
      if (!loss) continue;
      SmallVector<Value, 4> others(factors);
      others.erase(others.begin() + at);
      if (succeeded(absorbFocal(root, loss, others, products, rewriter))) return success();
      if (loss->hasOneUse() && succeeded(absorbOne(root, loss, others, rewriter))) return success();
    }
    return rewriter.notifyMatchFailure(root, "not a loss times what it can take");
  }

private:
  static bool isFactor(ir::MulOp mul) { return mul->hasOneUse() && isa<ir::MulOp>(*mul->user_begin()); }

  static void collect(ir::MulOp root, SmallVectorImpl<Value>& factors,
                      llvm::SmallPtrSetImpl<Operation*>& products) {
    SmallVector<Value, 4> open{root.getResult()};
    while (!open.empty()) {
      Value next = open.pop_back_val();
      auto product = next.getDefiningOp<ir::MulOp>();
      bool isOurs = product && (product == root || product->hasOneUse());
      if (isOurs && factors.size() + open.size() < Product::kMaxFactors) {
        products.insert(product);
        open.append({product.getRhs(), product.getLhs()});
      } else {
        factors.push_back(next);
      }
    }
  }

  /// (1 - eps[y]) of smoothing looks like a weight.
  static bool isPartOfSmoothing(ir::MulOp mul) {
    Operation* term = mul;
    while (term->hasOneUse() && isa<ir::NegOp>(*term->user_begin()))
      term = *term->user_begin();
    if (!term->hasOneUse()) return false;
    Operation* sum = *term->user_begin();
    if (!isa<ir::AddOp, ir::SubOp>(sum)) return false;
    Value other = sum->getOperand(sum->getOperand(0) == term->getResult(0) ? 1 : 0);
    return llvm::any_of(Product::of(other).factors,
                        [](Value factor) { return UniformTerm::match(factor).has_value(); });
  }

  /// Writes `loss` with `form` times what is left of the product.
  void replace(ir::MulOp root, SoftmaxCrossEntropyOp loss, const LossForm& form, ArrayRef<Value> rest,
               Location loc, PatternRewriter& rewriter) const {
    Value result = form.createLike(rewriter, loc, loss).getLoss();
    for (Value factor : rest) {
      auto product = ir::MulOp::create(rewriter, root.getLoc(), result, factor);
      product->setDiscardableAttrs(root->getDiscardableAttrDictionary());
      result = product;
    }
    rewriter.replaceOp(root, result);
  }

  LogicalResult absorbOne(ir::MulOp root, SoftmaxCrossEntropyOp loss, ArrayRef<Value> others,
                          PatternRewriter& rewriter) const {
    for (auto [at, factor] : llvm::enumerate(others)) {
      auto lookup = factor.getDefiningOp<ir::TakeOp>();
      Value valid = loss.getValid() ? Value() : validOfMask(factor);
      bool isWeight = lookup && !againstWeights(loss, lookup, shared.trained);
      if (!isWeight && !valid) continue;
      if (!shared.budget.take()) return failure();
      Location loc = fused(rewriter, loss, root);
      LossForm form(loss);
      if (isWeight) {
        form.classWeights =
            form.classWeights
                ? ir::MulOp::create(rewriter, loc, form.classWeights, lookup.getTable()).getResult()
                : lookup.getTable();
        taken(loc, kName, "weights", "class weights are looked up inside the loss",
              4 * bytesOf(root.getResult()), idsOf(root, loss));
      } else {
        form.valid = valid;
        taken(loc, kName, "mask", "padding rows are left out inside the loss", 2 * bytesOf(loss.getLoss()),
              idsOf(root, loss));
      }
      SmallVector<Value, 4> rest(others);
      rest.erase(rest.begin() + at);
      replace(root, loss, form, rest, loc, rewriter);
      return success();
    }
    return failure();
  }

  LogicalResult absorbFocal(ir::MulOp root, SoftmaxCrossEntropyOp loss, ArrayRef<Value> others,
                            const llvm::SmallPtrSetImpl<Operation*>& products,
                            PatternRewriter& rewriter) const {
    SmallVector<Value, 4> rest;
    std::optional<FocalFactor> focal;
    for (Value factor : others) {
      std::optional<FocalFactor> found = FocalFactor::match(factor, loss);
      bool same = found && (!focal || focal->ofLoss == found->ofLoss || !loss.getClassWeights());
      if (!same || againstFocal(loss, *found)) {
        rest.push_back(factor);
        continue;
      }
      if (focal)
        focal->gamma += found->gamma;
      else
        focal = found;
    }
    if (!focal || !isReadOnlyIn(loss, products) || !shared.budget.take()) return failure();
    Location loc = fused(rewriter, loss, root);
    LossForm form(loss);
    form.focalGamma = rewriter.getF64FloatAttr(focal->gamma);
    form.focalOfWeighted = focal->ofLoss && loss.getClassWeights();
    taken(loc, kName, "focal", "the focal factor is computed inside the loss", 8 * bytesOf(loss.getLoss()),
          idsOf(root, loss));
    replace(root, loss, form, rest, loc, rewriter);
    return success();
  }

  /// True if nothing but the product reads the loss: directly, or through the p of its focal factor.
  static bool isReadOnlyIn(SoftmaxCrossEntropyOp loss, const llvm::SmallPtrSetImpl<Operation*>& products) {
    SmallVector<Operation*> open(loss->getUsers());
    llvm::SmallPtrSet<Operation*, 8> seen;
    while (!open.empty()) {
      Operation* user = open.pop_back_val();
      if (products.contains(user) || !seen.insert(user).second) continue;
      if (!isa<ir::NegOp, ir::ExpOp, ir::Expm1Op, ir::SubOp, ir::SquareOp, ir::PowOp>(user)) return false;
      llvm::append_range(open, user->getUsers());
    }
    return true;
  }
};

//===- reductions ---------------------------------------------------------===//

/// where(mask, loss, 0) -> loss valid(...)
struct AbsorbMask : LossPattern<ir::WhereOp> {
  using LossPattern::LossPattern;

  LogicalResult matchAndRewrite(ir::WhereOp op, PatternRewriter& rewriter) const override {
    auto [value, valid] = unmask(op);
    SoftmaxCrossEntropyOp loss = value ? rowLoss(value) : nullptr;
    if (!loss || loss.getValid() || againstReading(loss, op) || !shared.budget.take())
      return rewriter.notifyMatchFailure(op, "not a masked loss");
    Location loc = fused(rewriter, loss, op);
    LossForm form(loss);
    form.valid = valid;
    taken(loc, kName, "mask", "padding rows are left out inside the loss", 2 * bytesOf(loss.getLoss()),
          idsOf(op, loss));
    rewriter.replaceOp(op, form.createLike(rewriter, loc, loss));
    return success();
  }
};

/// reduce_sum, reduce_mean and masked_mean of the row losses -> reduction(...)
template <typename Op> struct AbsorbReduction : LossPattern<Op> {
  using LossPattern<Op>::LossPattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    SoftmaxCrossEntropyOp loss = rowLoss(op.getOperand());
    if (!loss || !isScalar(op.getResult()) || againstReading(loss, op))
      return rewriter.notifyMatchFailure(op, "not over a loss");
    LossForm form(loss);
    form.reduction = std::is_same_v<Op, ir::ReduceSumOp> ? Reduction::Sum : Reduction::BatchMean;
    Value valid;
    if constexpr (std::is_same_v<Op, ir::MaskedMeanOp>) valid = op.getValid();
    if (form.reduction == Reduction::BatchMean) {
      if (againstMean(loss, valid)) return rewriter.notifyMatchFailure(op, "the mean counts other rows");
      form.valid = valid;
    }
    if (!this->shared.budget.take()) return failure();
    Location loc = fused(rewriter, loss, op);
    taken(loc, kName, "reduction", "the mean or sum over the batch is taken inside the loss",
          2 * bytesOf(loss.getLoss()), idsOf(op, loss));
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
    if (!loss || !sum || !loss->hasOneUse() || loss.getReduction() != Reduction::Sum ||
        !loss.getClassWeights() || againstWeightedMean(loss, sum) || !shared.budget.take())
      return rewriter.notifyMatchFailure(div, "not a weighted sum over the sum of its weights");
    Location loc = fused(rewriter, loss, div);
    LossForm form(loss);
    form.reduction = Reduction::WeightedMean;
    taken(loc, kName, "weighted-mean", "the weighted mean is taken inside the loss", 0, idsOf(div, loss));
    rewriter.replaceOp(div, form.createLike(rewriter, loc, loss));
    return success();
  }
};

struct FuseClassWeights : impl::FuseClassWeightsPassBase<FuseClassWeights> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    TrainedValues trained(getOperation());
    TwiceDifferentiated twice(getOperation());
    Context shared{budget, trained, twice};
    MLIRContext* context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<FindNormalisedForm<ir::SubOp>, FindNormalisedForm<ir::AddOp>,
                 FindLogLikelihood<ir::TakeAlongOp>, FindLogLikelihood<ir::ReduceSumOp>,
                 FindLogLikelihood<ir::LogOp>, PushNegation<ir::MulOp>, PushNegation<ir::WhereOp>,
                 PushNegation<ir::DivOp>, PushNegation<ir::ReduceSumOp>, PushNegation<ir::ReduceMeanOp>,
                 PushNegation<ir::MaskedMeanOp>, AbsorbLogits, AbsorbFactor, AbsorbSmoothing<ir::AddOp>,
                 AbsorbSmoothing<ir::SubOp>, AbsorbMask, AbsorbReduction<ir::ReduceSumOp>,
                 AbsorbReduction<ir::ReduceMeanOp>, AbsorbReduction<ir::MaskedMeanOp>, AbsorbWeightedMean>(
        context, shared);
    // Where it does not come to an end the program is right, only less fused: no reason to refuse it.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
    explainLosses(getOperation(), trained, twice);
  }
};

} // namespace
} // namespace tailor::passes
