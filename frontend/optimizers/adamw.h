#pragma once

#include "frontend/optimizers/optimizer.h"

namespace tailor::optim {

struct AdamWOptions {
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  DecayFilter decay_filter = DecayFilter::all;
  std::vector<ParameterGroup> groups = {};
};

/// w <- w (1 - lr decay); w -= lr m^ / (sqrt(v^) + eps) with bias-corrected averages m^, v^. Decoupled decay.
/// Moments are the groups `<name>_first` and `<name>_second`. Options are optimizer.beta1, ...; a second optimizer
/// has its own (sgd.h). Bias correction counts the steps of the run: one update a step.
/// Source: methods.md 4.2.
class AdamW : public Optimizer {
public:
  explicit AdamW(const AdamWOptions& options = {})
      : Optimizer({options.weight_decay, options.decay_filter, options.groups}), options_(options) {}
  std::string name() const override { return "adamw"; }
  void record(Update& update) override;
  bool keeps_empty_steps() const override { return true; }
  const AdamWOptions& options() const { return options_; }

private:
  AdamWOptions options_;
  SlotGroup& first_moments_ = add_slots("_first");
  SlotGroup& second_moments_ = add_slots("_second");
};

} // namespace tailor::optim
