// Recognises what people write around a cross-entropy by hand: normalisers, likelihoods, class tables, smoothing,
// focal factors, margins. Pure questions about values; FuseClassWeights decides what becomes of the answers.
#pragma once

#include "ir/Tailor.h"

#include <optional>
#include <utility>

namespace tailor::passes {

/// The number that all elements of a constant (or of a broadcast constant) have.
std::optional<double> splatOf(mlir::Value value);

//===- probabilities ------------------------------------------------------===//
// Each returns the logits z [N, K], or null. Hand-written normalisers may be shifted by one number per row.

/// logsumexp(z), log(sum(exp(z))), c + logsumexp(z - c).
mlir::Value logitsOfLogSumExp(mlir::Value value);
/// softmax(z), exp(z) / sum(exp(z)), exp(log P).
mlir::Value logitsOfProbabilities(mlir::Value value);
/// log_softmax(z), log(P), z - logsumexp(z).
mlir::Value logitsOfLogProbabilities(mlir::Value value);

/// One entry per row, chosen by label.
struct Pick {
  mlir::Value logits; ///< [N, K]
  mlir::Value labels; ///< [N]
};

/// x[n, y[n]] as take_along(x, y) or sum(one_hot(y) * x): `logits` is x.
std::optional<Pick> picked(mlir::Value value);
/// P_y.
std::optional<Pick> likelihood(mlir::Value value);
/// log P_y.
std::optional<Pick> logLikelihood(mlir::Value value);

/// logsumexp(z) - z_y = -log P_y, or the negative of it.
struct CrossEntropy {
  Pick pick;
  bool negated;
};
std::optional<CrossEntropy> normalisedForm(mlir::Operation* addOrSub);

//===- tables -------------------------------------------------------------===//

/// The [K] or scalar value that a broadcast spreads over the rows of [N, K].
mlir::Value spreadOverRows(mlir::Value value);
/// True for one number per row, or one for all, spread over [N, K]; softmax does not see such a shift.
bool isConstantPerRow(mlir::Value value);
/// The [K] or scalar value m of one_hot(y) * m or one_hot(y) * m[y], spread over [N, K].
mlir::Value ofLabelOnly(mlir::Value value, mlir::Value labels);
/// The [K] table of `source`, itself [K], [1] or a scalar.
mlir::Value tableFrom(mlir::Value source, int64_t numClasses, mlir::OpBuilder& builder, mlir::Location loc);

/// The valid count of a 0/1 row mask, as a factor or a condition.
mlir::Value validOfMask(mlir::Value value);
/// where(mask, x, 0) and x * mask: x and the valid count.
std::pair<mlir::Value, mlir::Value> unmask(mlir::Operation* op);

//===- products and signs -------------------------------------------------===//

/// A value taken apart: (-1)^negative times the product of `factors`.
struct Product {
  bool negative = false;
  llvm::SmallVector<mlir::Value, 4> factors;

  /// Takes apart at most `kMaxFactors` factors; what is left of a longer product is one of them.
  static Product of(mlir::Value value);

  static constexpr unsigned kMaxFactors = 32;
};

//===- smoothing ----------------------------------------------------------===//

/// Sum or mean over the classes of -log p, as it stands in hand-written smoothing.
struct UniformTerm {
  mlir::Value logits;
  bool perClass; ///< the mean: divided by K
  bool negative; ///< it is the mean of +log p

  static std::optional<UniformTerm> match(mlir::Value value);
};

/// Recognises eps in the two factors of hand-written smoothing.
class SmoothingTable {
public:
  /// `perClass`: the uniform term is a mean over the classes, else a sum.
  SmoothingTable(mlir::Value labels, int64_t numClasses, bool perClass)
      : labels_(labels), numClasses_(numClasses), perClass_(perClass) {}

  /// eps: a number, or a value that is [K] or a scalar.
  struct Eps {
    std::optional<double> number;
    mlir::Value value;
  };

  /// eps with keep = 1 - eps[y] and spread = eps[y] (mean) or eps[y] / K (sum); both factors are constants,
  /// (broadcast) scalars or lookups by label. None if they are not of this form.
  std::optional<Eps> match(mlir::Value keep, mlir::Value spread) const;

private:
  mlir::Value undoDivision(mlir::Value spread) const;
  mlir::Value tableOf(mlir::Value value) const;

  mlir::Value labels_;
  int64_t numClasses_;
  bool perClass_;
};

//===- focal --------------------------------------------------------------===//

/// (1 - p)^gamma, p the likelihood that a loss belongs to.
struct FocalFactor {
  double gamma;
  bool ofLoss; ///< p is e^-loss, whatever options the loss has; else p = P_y of its logits

  static std::optional<FocalFactor> match(mlir::Value factor, ir::SoftmaxCrossEntropyOp loss,
                                          unsigned depth = 0);
};

/// True if softmax(logits) is the P of the loss: no scale, no margin, and its bias, if any, added to the logits.
bool readsSameLogits(ir::SoftmaxCrossEntropyOp loss, mlir::Value logits);

} // namespace tailor::passes
