#pragma once

#include "frontend/optimizers/optimizer.h"

namespace tailor::optim {

struct AdamWOptions {
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  DecayFilter decay_filter = DecayFilter::all;
};

/// w <- w (1 - lr decay); w -= lr m^ / (sqrt(v^) + eps) with bias-corrected averages m^, v^. Decoupled decay.
/// Moments are the groups `<name>_first` and `<name>_second`. Options are optimizer.beta1, ...; a second optimizer
/// has its own (sgd.h). Bias correction counts the steps of the run: one update a step.
/// Source: methods.md 4.2.
class AdamW {
public:
  explicit AdamW(const AdamWOptions& options = {}) : options_(options) {}
  const AdamWOptions& options() const { return options_; }
  SlotGroup& first_moments() { return first_; }
  SlotGroup& second_moments() { return second_; }

private:
  AdamWOptions options_;
  SlotGroup first_, second_;
};

} // namespace tailor::optim
