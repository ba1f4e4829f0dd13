#include "backend/reference/Loss.h"

#include <algorithm>
#include <cmath>

namespace tailor::backend::reference {
namespace {

double tableAt(const std::optional<Tensor>& table, int64_t label, double absent) {
  if (!table) return absent;
  return table->reals()[label];
}

struct SlotLoss {
  double loss = 0;
  std::vector<double> gradient; ///< d loss / du
};

double powFocal(double base, double exponent) {
  return std::pow(exponent < 0 ? std::max(base, 1e-8) : base, exponent);
}

/// t x, but 0 inf = 0 (0 log 0): an impossible class (logit -inf) that is no target adds nothing. NaN stays NaN.
double timesTarget(double t, double x) {
  return t == 0 && std::isinf(x) ? 0 : t * x;
}

/// p x with its limit 0 where p = e^-x is 0.
double timesProbability(double p, double x) {
  return p == 0 ? 0 : p * x;
}

/// Loss of one row for transformed logits u and weighted target t; see softmaxCrossEntropy.
SlotLoss slotLoss(const std::vector<double>& u, const std::vector<double>& t, double gamma,
                  bool focalOfWeighted) {
  const size_t numClasses = u.size();
  const double maximum = *std::max_element(u.begin(), u.end());
  double sum = 0;
  for (double value : u)
    sum += std::exp(value - maximum);
  const double logSumExp = maximum + std::log(sum);

  SlotLoss result{0, std::vector<double>(numClasses)};
  if (gamma == 0 || focalOfWeighted) {
    double mass = 0;
    for (size_t k = 0; k < numClasses; ++k) {
      result.loss += timesTarget(t[k], logSumExp - u[k]);
      mass += t[k];
    }
    double outer = 1; // d loss / d ce
    if (gamma != 0) {
      const double ce = result.loss, p = std::exp(-ce), rest = -std::expm1(-ce);
      result.loss = powFocal(rest, gamma) * ce;
      outer = powFocal(rest, gamma) + gamma * powFocal(rest, gamma - 1) * timesProbability(p, ce);
    }
    for (size_t k = 0; k < numClasses; ++k)
      result.gradient[k] = outer * (mass * std::exp(u[k] - logSumExp) - t[k]);
    return result;
  }

  double total = 0;
  std::vector<double> a(numClasses);
  for (size_t k = 0; k < numClasses; ++k) {
    const double logP = u[k] - logSumExp, p = std::exp(logP), rest = -std::expm1(logP);
    result.loss += timesTarget(t[k], powFocal(rest, gamma) * -logP);
    a[k] = t[k] * (powFocal(rest, gamma) - gamma * timesProbability(p, logP) * powFocal(rest, gamma - 1));
    total += a[k];
  }
  for (size_t k = 0; k < numClasses; ++k)
    result.gradient[k] = total * std::exp(u[k] - logSumExp) - a[k];
  return result;
}

/// What row n is compared with, as (coefficient, class) pairs; a dense target is one pair per class.
std::vector<std::pair<double, int64_t>> slotsOf(const LossTargets& targets, int64_t n, int64_t numClasses) {
  std::vector<std::pair<double, int64_t>> slots;
  if (targets.soft) {
    for (int64_t k = 0; k < numClasses; ++k)
      slots.emplace_back(targets.soft->reals()[n * numClasses + k], k);
    return slots;
  }
  double lambda = 1;
  if (targets.lambda) lambda = targets.lambda->reals()[n];
  slots.emplace_back(lambda, targets.labels->integers()[n]);
  if (targets.labelsB) slots.emplace_back(1 - lambda, targets.labelsB->integers()[n]);
  return slots;
}

/// Adds coefficient * weight[y] * q(y) to t.
void addTarget(std::vector<double>& t, double coefficient, int64_t label, const LossOptions& options) {
  const double numClasses = static_cast<double>(t.size());
  const double epsilon = tableAt(options.smoothing, label, 0);
  const double mass = coefficient * tableAt(options.weights, label, 1);
  for (double& value : t)
    value += mass * epsilon / numClasses;
  t[label] += mass * (1 - epsilon);
}

/// Loss of row n on logits z of all classes; adds its share to `weightSum`.
SlotLoss rowLoss(const std::vector<double>& z, const LossTargets& targets, int64_t n,
                 const LossOptions& options, double& weightSum) {
  const int64_t numClasses = static_cast<int64_t>(z.size());
  const auto transformed = [&](int64_t marginClass) {
    std::vector<double> u(numClasses);
    for (int64_t k = 0; k < numClasses; ++k) {
      const double margin = k == marginClass ? tableAt(options.margin, k, 0) : 0;
      u[k] = options.scale * (z[k] + tableAt(options.bias, k, 0) - margin);
    }
    return u;
  };
  const auto slots = slotsOf(targets, n, numClasses);
  for (const auto& [coefficient, label] : slots)
    weightSum += coefficient * tableAt(options.weights, label, 1);

  SlotLoss row{0, std::vector<double>(numClasses)};
  const auto add = [&](double coefficient, const SlotLoss& slot) {
    row.loss += coefficient * slot.loss;
    for (int64_t k = 0; k < numClasses; ++k)
      row.gradient[k] += coefficient * options.scale * slot.gradient[k];
  };
  if (targets.soft) {
    std::vector<double> t(numClasses);
    for (const auto& [coefficient, label] : slots)
      addTarget(t, coefficient, label, options);
    add(1, slotLoss(transformed(-1), t, options.focalGamma, options.focalOfWeighted));
    return row;
  }
  for (const auto& [coefficient, label] : slots) {
    std::vector<double> t(numClasses);
    addTarget(t, 1, label, options);
    add(coefficient, slotLoss(transformed(label), t, options.focalGamma, options.focalOfWeighted));
  }
  return row;
}

double divisorOf(LossReduction reduction, int64_t rows, double weightSum) {
  switch (reduction) {
  case LossReduction::batchMean:
    return static_cast<double>(rows);
  case LossReduction::weightedMean:
    return weightSum;
  case LossReduction::none:
  case LossReduction::sum:
    return 1;
  }
  return 1;
}

} // namespace

LossResult softmaxCrossEntropy(const Tensor& logits, const LossTargets& targets, const LossOptions& options) {
  const int64_t batch = logits.dim(0), numClasses = logits.dim(1);
  const int64_t rows = std::clamp<int64_t>(options.valid.value_or(batch), 0, batch);
  LossResult result{Tensor(logits.element(), {batch}), 0, Tensor(logits.element(), logits.shape())};
  double weightSum = 0;
  for (int64_t n = 0; n < rows; ++n) {
    const auto begin = logits.reals().begin() + n * numClasses;
    const SlotLoss row = rowLoss({begin, begin + numClasses}, targets, n, options, weightSum);
    result.loss.reals()[n] = row.loss;
    std::copy(row.gradient.begin(), row.gradient.end(), result.dlogits.reals().begin() + n * numClasses);
  }
  result.divisor = divisorOf(options.reduction, rows, weightSum);
  return result;
}

LossResult sigmoidCrossEntropy(const Tensor& logits, const LossTargets& targets, const LossOptions& options) {
  const int64_t batch = logits.dim(0);
  const int64_t rows = std::clamp<int64_t>(options.valid.value_or(batch), 0, batch);
  LossTargets binary = targets;
  if (targets.soft) {
    binary.soft = Tensor(Element::f64, {batch, 2});
    for (int64_t n = 0; n < batch; ++n) {
      binary.soft->reals()[2 * n] = 1 - targets.soft->reals()[n];
      binary.soft->reals()[2 * n + 1] = targets.soft->reals()[n];
    }
  }
  LossResult result{Tensor(logits.element(), {batch}), 0, Tensor(logits.element(), logits.shape())};
  double weightSum = 0;
  for (int64_t n = 0; n < rows; ++n) {
    // Softmax of (0, z), shifted so that the infinite one of an infinite z is -inf, which has a limit.
    const double z = logits.reals()[n];
    const SlotLoss row = rowLoss({z > 0 ? -z : 0.0, z > 0 ? 0.0 : z}, binary, n, options, weightSum);
    result.loss.reals()[n] = row.loss;
    result.dlogits.reals()[n] = row.gradient[1];
  }
  result.divisor = divisorOf(options.reduction, rows, weightSum);
  return result;
}

Tensor reduceLoss(const LossResult& rows, LossReduction reduction) {
  if (reduction == LossReduction::none) return rows.loss;
  double sum = 0;
  for (double value : rows.loss.reals())
    sum += value;
  return Tensor::scalar(rows.divisor == 0 ? 0.0 : sum / rows.divisor, rows.loss.element());
}

Tensor lossGradient(const LossResult& rows, LossReduction reduction, const Tensor& cotangent) {
  Tensor gradient = rows.dlogits;
  const int64_t batch = rows.loss.dim(0), columns = batch == 0 ? 0 : gradient.size() / batch;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t k = 0; k < columns; ++k) {
      double& value = gradient.reals()[n * columns + k];
      if (rows.divisor == 0)
        value = 0;
      else
        value *= cotangent.reals()[reduction == LossReduction::none ? n : 0] / rows.divisor;
    }
  return gradient;
}

} // namespace tailor::backend::reference
