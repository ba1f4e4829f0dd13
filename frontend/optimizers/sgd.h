#pragma once

#include "frontend/optimizers/optimizer.h"

namespace tailor::optim {

struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  DecayFilter decay_filter = DecayFilter::all;
  std::vector<ParameterGroup> groups = {};
};

/// g' = g + decay w;  v = momentum v + g' (v = g' at first);  w -= lr (nesterov ? g' + momentum v : v).
/// momentum and weight decay are the control fields `momentum`, `weight_decay` (options optimizer.momentum,
/// optimizer.weight_decay). Without momentum (0 here) there are no slots. Source: methods.md 4.1.
///
/// The second optimizer a step updates with, and those after it, have fields and options of their own: with state
/// group `head` they are `head_momentum`, ... and optimizer.head.momentum, ...
class Sgd : public Optimizer {
public:
  explicit Sgd(const SgdOptions& options = {})
      : Optimizer({options.weight_decay, options.decay_filter, options.groups}), options_(options) {}
  std::string name() const override { return "sgd"; }
  void record(Update& update) override;
  bool keeps_empty_steps() const override { return true; }
  const SgdOptions& options() const { return options_; }

private:
  SgdOptions options_;
  SlotGroup& momenta_ = add_slots();
};

} // namespace tailor::optim
