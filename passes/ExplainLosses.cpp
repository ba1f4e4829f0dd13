#include "passes/ExplainLosses.h"

#include "passes/LossClauses.h"
#include "passes/Remarks.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace mlir;

namespace tailor::passes {
namespace {

constexpr llvm::StringLiteral kName = "fuse-class-weights";

/// How many ops away something still counts as part of one written formula.
constexpr unsigned kNear = 4;

using ir::Reduction;
using ir::SoftmaxCrossEntropyOp;

bool isNormaliser(Operation* op) {
  return isa<ir::SoftmaxOp, ir::LogSoftmaxOp, ir::LogSumExpOp>(op) ||
         (isa<ir::ExpOp>(op) && cast<RankedTensorType>(op->getResult(0).getType()).getRank() == 2);
}

/// An op that `value` is computed from, at most `kNear` ops away.
Operation* sourceOf(Value value, llvm::function_ref<bool(Operation*)> wanted, unsigned depth = 0) {
  Operation* op = value.getDefiningOp();
  if (!op || depth > kNear || isa<ir::DotOp>(op)) return nullptr;
  if (wanted(op)) return op;
  for (Value operand : op->getOperands())
    if (Operation* found = sourceOf(operand, wanted, depth + 1)) return found;
  return nullptr;
}

/// An elementwise op or reduction that reads `value` on the way, at most `kNear` ops away.
Operation* readerOf(Value value, llvm::function_ref<bool(Operation*)> wanted, unsigned depth = 0) {
  if (depth > kNear) return nullptr;
  for (Operation* user : value.getUsers()) {
    if (wanted(user)) return user;
    if (user->getNumResults() == 1 && !isa<ir::DotOp, SoftmaxCrossEntropyOp>(user))
      if (Operation* found = readerOf(user->getResult(0), wanted, depth + 1)) return found;
  }
  return nullptr;
}

/// The op a remark is about and what it reads directly.
SmallVector<int64_t> idsAround(Operation* op) {
  SmallVector<Operation*> ops{op};
  for (Value operand : op->getOperands())
    if (Operation* source = operand.getDefiningOp()) ops.push_back(source);
  return tracedOps(ops);
}

/// True if `value` is added to something that a normaliser computes.
bool meetsNormaliser(Value value) {
  return readerOf(value, [](Operation* op) {
           return isa<ir::AddOp, ir::SubOp>(op) && llvm::any_of(op->getOperands(), [](Value operand) {
                    return sourceOf(operand, isNormaliser) != nullptr;
                  });
         }) != nullptr;
}

constexpr llvm::StringLiteral kWayOut =
    "write logsumexp(z) - take_along(z, y), or use losses::softmax_cross_entropy";

class LossExplainer {
public:
  LossExplainer(const TrainedValues& trained, const TwiceDifferentiated& twice)
      : trained_(trained), twice_(twice) {}

  void run(Operation* scope) {
    scope->walk([&](Operation* op) {
      if (isa<ir::TakeAlongOp, ir::OneHotOp>(op)) explainPick(op);
      if (auto loss = dyn_cast<SoftmaxCrossEntropyOp>(op)) {
        explainLogits(loss);
        explainReaders(loss);
      }
    });
  }

private:
  /// One remark per op and reason.
  void say(Operation* op, const Clause& clause) {
    if (clause && said_.insert({op, clause->reason.str()}).second)
      missed(op->getLoc(), kName, clause->reason, clause->text, clause->hint, idsAround(op));
  }

  //===- look-ups by label ------------------------------------------------===//

  void explainPick(Operation* op) {
    Value chosen = op->getResult(0), labels = op->getOperands().back();
    auto logarithm = [](Operation* other) { return isa<ir::LogOp>(other); };
    if (auto look = dyn_cast<ir::TakeAlongOp>(op)) {
      Value table = look.getOperand();
      if (cast<RankedTensorType>(table.getType()).getRank() != 2) return;
      Operation* log = readerOf(chosen, logarithm);
      bool near = sourceOf(table, isNormaliser) || llvm::any_of(table.getUsers(), isNormaliser);
      if (near)
        say(op, whyNotCrossEntropy(chosen, table, labels, log));
      else if (log || meetsNormaliser(chosen))
        say(op,
            Obstacle{"other-normaliser", "this is chosen by label from other values than log-probabilities",
                     std::string(kWayOut)});
      return;
    }
    // one_hot: the factor beside it, if any, decides.
    for (Operation* user : chosen.getUsers())
      if (auto product = dyn_cast<ir::MulOp>(user)) {
        Value other = product.getLhs() == chosen ? product.getRhs() : product.getLhs();
        if (sourceOf(other, isNormaliser))
          say(op, whyNotCrossEntropy(product.getResult(), other, labels, readerOf(chosen, logarithm)));
      }
  }

  Clause whyNotCrossEntropy(Value chosen, Value table, Value labels, Operation* log) const {
    Value logits = logitsOfLogProbabilities(table);
    bool isLikelihood = !logits && logitsOfProbabilities(table);
    if (isLikelihood) logits = logitsOfProbabilities(table);
    if (twice_.contains(chosen.getDefiningOp())) return againstSecondDerivative();
    if (Clause clause = logits ? againstLoss(chosen, {logits, labels}) : std::nullopt) return clause;
    if (isLikelihood && log)
      return Obstacle{"guarded-logarithm", "the likelihood is changed before its logarithm is taken",
                      "drop the guard: the loss op never takes the logarithm of 0"};
    if (isLikelihood)
      return Obstacle{"likelihood-alone", "the likelihood of the label is read, but not its logarithm",
                      "the loss op takes -log p, (1 - p)^gamma in front of it, and nothing else of p"};
    if (!logits && llvm::none_of(table.getUsers(), [](Operation* user) { return isNormaliser(user); }))
      return Obstacle{"other-normaliser", "this is chosen by label from other values than log-probabilities",
                      kWayOut.str()};
    return Obstacle{"not-a-cross-entropy",
                    "log-probabilities are looked up by label, but the likelihood and its normaliser do not "
                    "meet in one difference of the same logits",
                    kWayOut.str()};
  }

  //===- logits -----------------------------------------------------------===//

  void explainLogits(SoftmaxCrossEntropyOp loss) {
    Operation* op = loss.getLogits().getDefiningOp();
    if (!op) return;
    if (isa<ir::AddOp, ir::SubOp>(op)) {
      bool explained = explainTerm(loss, op, op->getOperand(1)) ||
                       (isa<ir::AddOp>(op) && explainTerm(loss, op, op->getOperand(0)));
      if (!explained && llvm::any_of(op->getOperands(), [&](Value term) { return isGivenWhole(term); }))
        say(op,
            Obstacle{"bias-of-rows", "what is added to the logits has a row per sample and is no class table",
                     "add a [K] table to the logits in the body that takes the loss"});
    }
    if (isa<ir::MulOp, ir::DivOp>(op)) explainScale(loss, op);
  }

  /// True if `term` is something that a loss can take, of which the remark, if any, is made.
  bool explainTerm(SoftmaxCrossEntropyOp loss, Operation* op, Value term) {
    Value table = spreadOverRows(term);
    if (table && trained_.contains(table)) return true; // its layer's bias
    if (auto product = term.getDefiningOp<ir::MulOp>();
        product && llvm::any_of(product->getOperands(),
                                [](Value factor) { return factor.getDefiningOp<ir::OneHotOp>(); })) {
      Value margin = loss.getLabels() ? ofLabelOnly(term, loss.getLabels()) : Value();
      if (!margin) {
        say(op,
            Obstacle{"not-a-margin", "the margin is not one_hot(y) times a class table of the loss' labels",
                     "use the labels of the loss and one entry per class"});
        return true;
      }
      if (Clause clause = againstMargin(loss, margin, trained_)) {
        say(op, clause);
        return true;
      }
    } else if (!table && !isConstantPerRow(term)) {
      return false;
    }
    if (!op->hasOneUse())
      say(op, Obstacle{"logits-used-elsewhere", "the changed logits are used elsewhere than in the loss",
                       "read the logits before the table is added"});
    return true;
  }

  /// [N, K] values that a body or entry gets from outside and does not train.
  bool isGivenWhole(Value value) const {
    Operation* op = value.getDefiningOp();
    return (!op || isa<ir::LoadOp, ir::ConstantOp, ir::InputOp>(op)) && !trained_.contains(value);
  }

  void explainScale(SoftmaxCrossEntropyOp loss, Operation* op) {
    for (Value factor : op->getOperands()) {
      auto spread = factor.getDefiningOp<ir::BroadcastOp>();
      bool isNumber = splatOf(factor).has_value();
      bool isScalar = spread && cast<RankedTensorType>(spread.getOperand().getType()).getRank() == 0;
      if (!isNumber && !isScalar) continue;
      if (!op->hasOneUse())
        say(op, Obstacle{"logits-used-elsewhere", "the changed logits are used elsewhere than in the loss",
                         "read the logits before they are scaled"});
      else if (isNumber)
        say(op, againstScale(loss));
      else
        say(op, Obstacle{"scale-not-constant", "the scale of the logits is no constant",
                         "write the number, or leave the scaling to a kernel of its own"});
    }
  }

  //===- readers of the loss ----------------------------------------------===//

  void explainReaders(SoftmaxCrossEntropyOp loss) {
    for (Operation* user : loss->getUsers()) {
      if (auto div = dyn_cast<ir::DivOp>(user);
          div && div.getLhs() == loss.getLoss() && loss.getClassWeights())
        if (auto sum = div.getRhs().getDefiningOp<ir::ReduceSumOp>();
            sum && loss.getReduction() == Reduction::Sum)
          say(user, againstWeightedMean(loss, sum));
      if (loss.getReduction() == Reduction::None) {
        if (auto mul = dyn_cast<ir::MulOp>(user)) explainFactors(loss, mul);
        if (isa<ir::ReduceSumOp, ir::ReduceMeanOp, ir::MaskedMeanOp>(user)) {
          say(user, againstReading(loss, user));
          auto masked = dyn_cast<ir::MaskedMeanOp>(user);
          if (!isa<ir::ReduceSumOp>(user)) say(user, againstMean(loss, masked ? masked.getValid() : Value()));
        }
      }
      explainSmoothing(loss, user);
    }
  }

  void explainFactors(SoftmaxCrossEntropyOp loss, ir::MulOp mul) {
    Product product = Product::of(mul.getResult());
    // A factor that is made from the loss and cannot go into it keeps the others out as well, which would only be
    // told that the loss is used elsewhere.
    auto isMadeFromLoss = [&](Value factor) {
      return factor != loss.getLoss() && !factor.getDefiningOp<ir::TakeOp>() &&
             !FocalFactor::match(factor, loss) &&
             sourceOf(factor, [&](Operation* op) { return op == loss || isa<ir::SoftmaxOp>(op); });
    };
    bool isKeptOut = llvm::any_of(product.factors, isMadeFromLoss);
    auto reading = [&]() { return isKeptOut ? Clause() : againstReading(loss, mul); };
    for (Value factor : product.factors) {
      if (factor == loss.getLoss()) continue;
      if (auto lookup = factor.getDefiningOp<ir::TakeOp>()) {
        Clause clause = againstWeights(loss, lookup, trained_);
        say(mul, clause ? clause : reading());
      } else if (std::optional<FocalFactor> focal = FocalFactor::match(factor, loss)) {
        Clause clause = againstFocal(loss, *focal);
        say(mul, clause ? clause : reading());
      } else if (isMadeFromLoss(factor)) {
        say(mul, Obstacle{"not-a-focal-factor",
                          "a factor of the loss depends on the likelihood but is not (1 - p)^gamma with a "
                          "constant gamma",
                          "write gamma as a number, or set focal_gamma of the loss"});
      }
    }
  }

  void explainSmoothing(SoftmaxCrossEntropyOp loss, Operation* user) {
    Operation* term = user;
    while (isa<ir::MulOp, ir::NegOp>(term) && term->hasOneUse())
      term = *term->user_begin();
    if (!isa<ir::AddOp, ir::SubOp>(term)) return;
    for (Value operand : term->getOperands()) {
      Product other = Product::of(operand);
      for (Value factor : other.factors) {
        std::optional<UniformTerm> uniform = UniformTerm::match(factor);
        if (!uniform) continue;
        Clause clause = againstSmoothing(loss, *uniform);
        if (!clause && !loss->hasOneUse()) clause = againstReading(loss, user);
        bool isTrained =
            llvm::any_of(other.factors, [&](Value eps) { return eps != factor && trained_.contains(eps); });
        if (!clause && isTrained)
          clause = Obstacle{"trained-table", "the smoothing is trained, so it needs a gradient",
                            "pass it through stop_gradient"};
        if (!clause)
          clause = Obstacle{"smoothing-factors",
                            "the factors of the loss and of the uniform term are not 1 - eps and eps (of a "
                            "mean over the classes) or eps / K (of a sum)",
                            "make them add up to 1, or pass the smoothing to the loss"};
        say(term, clause);
      }
    }
  }

  const TrainedValues& trained_;
  const TwiceDifferentiated& twice_;
  std::set<std::pair<Operation*, std::string>> said_;
};

} // namespace

void explainLosses(Operation* scope, const TrainedValues& trained, const TwiceDifferentiated& twice) {
  LossExplainer(trained, twice).run(scope);
}

} // namespace tailor::passes
