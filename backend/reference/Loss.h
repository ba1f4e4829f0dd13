#pragma once

#include "backend/reference/Tensor.h"

#include <optional>

/// The class-aware losses (methods.md 2). One definition per row; the ops of the dialect differ only in which
/// parts of it they return.
namespace tailor::backend::reference {

enum class LossReduction : uint8_t { none, sum, batchMean, weightedMean };

/// Tables and options of a loss. An absent [K] table means: weight 1, smoothing 0, margin 0, bias 0.
struct LossOptions {
  std::optional<Tensor> weights = {}, smoothing = {}, margin = {}, bias = {};
  double focalGamma = 0;
  bool focalOfWeighted = false;
  double scale = 1;
  LossReduction reduction = LossReduction::batchMean;
  std::optional<int64_t> valid = {}; ///< rows that count; absent = all
};

/// What a row is compared with: one label, two labels with coefficients lam and 1 - lam, or a dense target.
struct LossTargets {
  std::optional<Tensor> labels = {};  ///< [N] integer
  std::optional<Tensor> labelsB = {}; ///< [N] integer, second label slot
  std::optional<Tensor> lambda = {};  ///< [N], coefficient of the first label slot
  std::optional<Tensor> soft = {};    ///< [N, K], or [N] for one logit
};

struct LossResult {
  Tensor loss;    ///< [N] before reduction; 0 for rows >= valid
  double divisor; ///< Z of the reduction, 1 for none and sum; 0 when nothing counts
  Tensor dlogits; ///< d loss[n] / d logits[n], before division by Z; 0 for rows >= valid
};

/// Softmax cross-entropy over logits [N, K]. For one label slot y with coefficient c:
///
///   u     = scale * (z + bias - margin[y] * onehot(y))                                    (2.4, 2.5b)
///   q     = (1 - smoothing[y]) * onehot(y) + smoothing[y] / K,     t = weights[y] * q      (2.2, 2.5)
///   ce    = T * logsumexp(u) - sum_k t_k u_k,     T = sum_k t_k;   d ce / du = T * P - t   (2.1)
///   focal = sum_k t_k (1 - P_k)^gamma (-log P_k)                                           (2.3, weight outside)
///   focal of weighted = (1 - e^-ce)^gamma * ce                                             (2.3, LDAM's variant)
///   loss[n] = sum over label slots of c * that,   dlogits = scale * d/du                   (2.7, slotwise)
///
/// A dense target s [N, K] is one slot with t = sum_j s_j weights[j] q(j), and takes no margin.
/// Z of weighted_mean = sum over valid rows of sum over label slots of c * weights[y] (dense: sum_j s_j
/// weights[j]). For gamma < 1 the factor 1 - P is kept at or above 1e-8 in the gradient.
[[nodiscard]] LossResult softmaxCrossEntropy(const Tensor& logits, const LossTargets& targets,
                                             const LossOptions& options);

/// One-logit binary cross-entropy, logits [N]; classes 0 and 1, tables [2]:
///
///   t = (1 - smoothing[y]) * y + smoothing[y] / 2,   loss = weights[y] * (softplus(z) - t * z)     (2.5, one logit)
///
/// which is the two-class softmax loss on logits (0, z). A dense target [N] is the probability of class 1.
[[nodiscard]] LossResult sigmoidCrossEntropy(const Tensor& logits, const LossTargets& targets,
                                             const LossOptions& options);

/// The op's loss: `none` the rows as they are, else sum(rows) / Z as a scalar, 0 when Z is 0.
[[nodiscard]] Tensor reduceLoss(const LossResult& rows, LossReduction reduction);
/// dlogits times the cotangent of the op's loss: [N] for `none`, else a scalar divided by Z; 0 when Z is 0.
[[nodiscard]] Tensor lossGradient(const LossResult& rows, LossReduction reduction, const Tensor& cotangent);

} // namespace tailor::backend::reference
