#pragma once

#include "frontend/graph/array.h"

namespace tailor {

struct BatchNormResult {
  Array y;
  Array mean;     ///< [C]
  Array inv_std;  ///< [C] 1 / sqrt(biased variance + epsilon)
  Array variance; ///< [C] biased
};
/// Normalises over all axes but the last with the statistics of the first `valid` rows.
BatchNormResult batch_norm_train(const Operand& x, const Operand& weight, const Operand& bias,
                                 const Operand& valid, double epsilon);
/// The same with given statistics.
Array batch_norm_inference(const Operand& x, const Operand& weight, const Operand& bias, const Operand& mean,
                           const Operand& variance, double epsilon);
struct RunningStatistics {
  Array mean, variance;
};
/// running <- (1 - momentum) running + momentum batch, variance made unbiased with n = valid rows x
/// `positions`. n = 1 leaves the running variance unchanged.
RunningStatistics batch_norm_update_running(const Operand& running_mean, const Operand& running_variance,
                                            const Operand& mean, const Operand& variance,
                                            const Operand& valid, std::int64_t rows,
                                            std::int64_t row_elements, double momentum);
/// Normalises the last axis with its biased variance.
Array layer_norm(const Operand& x, const Operand& weight, const Operand& bias, double epsilon);

} // namespace tailor
