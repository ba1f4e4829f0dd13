#pragma once

#include "frontend/optimizers/optimizer.h"
#include "runtime/options/words.h"

namespace tailor::optim {

/// What the average does with running statistics: average them too, or evaluate with the latest.
enum class EmaBatchNorm : std::uint8_t { avg, copy };

} // namespace tailor::optim

template <> struct tailor::runtime::Words<tailor::optim::EmaBatchNorm> {
  using EmaBatchNorm = tailor::optim::EmaBatchNorm;
  static constexpr std::pair<EmaBatchNorm, const char*> kAll[] = {{EmaBatchNorm::avg, "avg"},
                                                                  {EmaBatchNorm::copy, "copy"}};
};

namespace tailor::optim {

struct EmaOptions {
  double decay = 0.999;
  bool warmup = true; ///< decay_t = min(decay, (1 + t) / (10 + t))
  EmaBatchNorm bn = EmaBatchNorm::avg;
};

/// average <- d average + (1 - d) w after every optimizer step; starts as a copy of w. d is the control field
/// `ema_decay` (options method.ema.decay, method.ema.warmup); a second average with state group `slow` has
/// `slow_ema_decay` and method.ema.slow.decay, ... Source: methods.md 4.4.
class Ema {
public:
  explicit Ema(const EmaOptions& options = {}) : options_(options) {}
  const EmaOptions& options() const { return options_; }
  SlotGroup& slots() { return slots_; }
  SlotGroup& batchnorm_slots() { return batchnorm_slots_; }

private:
  EmaOptions options_;
  SlotGroup slots_, batchnorm_slots_;
};

} // namespace tailor::optim
