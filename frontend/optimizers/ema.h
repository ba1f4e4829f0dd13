#pragma once

#include "frontend/graph/lifetime.h"
#include "frontend/nn/module.h"
#include "frontend/optimizers/slots.h"
#include "runtime/options/words.h"

#include <cstdint>

namespace tailor::optim {

class Recorder;

/// Which running statistics the averaged weights are evaluated with (methods.md 4.4).
enum class EmaBatchNorm : std::uint8_t {
  avg,      ///< averages of the network's, like the weights
  copy,     ///< the network's as they are
  recompute ///< their own: one pass over the training rows before every evaluation, as training normalises
};

} // namespace tailor::optim

template <> struct tailor::runtime::Words<tailor::optim::EmaBatchNorm> {
  using EmaBatchNorm = tailor::optim::EmaBatchNorm;
  static constexpr std::pair<EmaBatchNorm, const char*> kAll[] = {
      {EmaBatchNorm::avg, "avg"}, {EmaBatchNorm::copy, "copy"}, {EmaBatchNorm::recompute, "recompute"}};
};

namespace tailor::optim {

struct EmaOptions {
  double decay = 0.999;
  bool warmup = true; ///< decay_t = min(decay, (1 + t) / (10 + t))
  EmaBatchNorm bn = EmaBatchNorm::avg;
};

/// average <- d average + (1 - d) w after every optimizer step; starts as a copy of w. d is the control field
/// `ema_decay` (options method.ema.decay, method.ema.warmup); a second average with state group `slow` has
/// `slow_ema_decay` and method.ema.slow.decay, ... Frozen parameters are averaged like any other.
/// Source: methods.md 4.4.
class Ema {
public:
  explicit Ema(const EmaOptions& options = {}) : options_(options) {}
  const EmaOptions& options() const { return options_; }
  SlotGroup& slots() { return slots_; }
  SlotGroup& batchnorm_slots() { return batchnorm_slots_; }
  const Lifetime& lifetime() const { return lifetime_; }
  /// Records the move of the average towards the parameters of `net` as they are now. `valid`: rows of the batch.
  void record(Recorder& recorder, const nn::Module& net, const Array& valid, const Location& location);

  /// The average as a network: what `body` computes with `net` reads the averaged weights, without a gradient.
  ///
  ///   Array teacher = ema.apply(net, [&] { return net(x, Context{.train = false}); });
  ///
  /// Errors   TraceError where `body` would write state of the net: running statistics are those of its own passes; with
  ///          recomputed statistics, which are there for an evaluation with the average alone (EvalOptions::weights).
  template <class Body>
  auto apply(nn::Module& net, Body&& body,
             const std::source_location& where = std::source_location::current()) {
    const Scope scope(*this, net, LocationScope::resolve(make_location(where)));
    return std::forward<Body>(body)();
  }

  /// Declares the slots of a module's parameters, and of its running statistics unless they are copied, in its order.
  void declare(const nn::Module& net, const Location& location);

private:
  /// Reads of the module's tensors read their averages while one is alive.
  class Scope {
  public:
    Scope(Ema& ema, nn::Module& net, const Location& location);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    std::size_t num_redirects_;
    std::string writes_forbidden_;
  };

  EmaOptions options_;
  SlotGroup slots_, batchnorm_slots_;
  Lifetime lifetime_;
};

} // namespace tailor::optim
