#pragma once

#include "frontend/optimizers/optimizer.h"

namespace tailor::optim {

struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  DecayFilter decay_filter = DecayFilter::all;
};

/// g' = g + decay w;  v = momentum v + g' (v = g' at first);  w -= lr (nesterov ? g' + momentum v : v).
/// momentum and weight decay are the control fields `momentum`, `weight_decay` (options optimizer.momentum,
/// optimizer.weight_decay). Without momentum (0 here) there are no slots. Source: methods.md 4.1.
///
/// The second optimizer a step updates with, and those after it, have fields and options of their own: with state
/// group `head` they are `head_momentum`, ... and optimizer.head.momentum, ...
class Sgd {
public:
  explicit Sgd(const SgdOptions& options = {}) : options_(options) {}
  const SgdOptions& options() const { return options_; }
  SlotGroup& slots() { return slots_; }

private:
  SgdOptions options_;
  SlotGroup slots_;
};

} // namespace tailor::optim
