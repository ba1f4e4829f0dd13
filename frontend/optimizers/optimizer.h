#pragma once

#include "frontend/graph/lifetime.h"
#include "frontend/optimizers/groups.h"
#include "frontend/optimizers/slots.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace tailor::optim {

class Update;

/// What every optimizer has.
struct CommonOptions {
  double weight_decay = 0;
  DecayFilter decay_filter = DecayFilter::all;
  std::vector<ParameterGroup> groups = {};
};

/// A rule that moves parameters along their gradients, with a state per parameter. One class in one file:
///
///   class SignSgd : public optim::Optimizer {
///   public:
///     explicit SignSgd(double beta) : Optimizer({}), beta_(beta) {}
///     std::string name() const override { return "sign-sgd"; }
///     void record(optim::Update& update) override {
///       Array beta = update.number("beta", beta_, 0, 1);
///       std::vector<Array> m = update.read(momenta_), w = update.weights();
///       for (std::size_t i = 0; i < w.size(); ++i) {
///         m[i] = beta * m[i] + (1.0 - beta) * update.gradients()[i];
///         w[i] = w[i] - update.learning_rate(i) * sign(m[i]);
///       }
///       update.write(momenta_, m);
///       update.write_weights(w);
///     }
///
///   private:
///     double beta_;
///     optim::SlotGroup& momenta_ = add_slots();
///   };
///
/// It is given to a program with state("name", optimizer) and to a step with update(net, optimizer, gradients, lr).
///
/// Cost     ops over each parameter: a kernel or two per parameter and step. Sgd and AdamW record one multi-tensor op,
///          which is one launch for all (ir/README.md says how to add one).
class Optimizer {
public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Option optimizer.name: "sgd".
  virtual std::string name() const = 0;
  /// Records one update; the same whenever it is called.
  virtual void record(Update& update) = 0;
  /// True if what record() writes is the old value in a step whose batch has no valid row. Otherwise the writes are
  /// made to depend on it: padding alone moves nothing.
  virtual bool keeps_empty_steps() const { return false; }

  const CommonOptions& common() const { return common_; }
  /// The slots with what is appended to the name of the optimizer's state group: "_first".
  const std::deque<std::pair<std::string, SlotGroup>>& slots() const { return slots_; }
  std::deque<std::pair<std::string, SlotGroup>>& slots() { return slots_; }
  const Lifetime& lifetime() const { return lifetime_; }

protected:
  explicit Optimizer(CommonOptions common) : common_(std::move(common)) {}
  /// A tensor per parameter. Several need suffixes.
  SlotGroup& add_slots(std::string suffix = "") {
    return slots_.emplace_back(std::move(suffix), SlotGroup()).second;
  }

private:
  CommonOptions common_;
  std::deque<std::pair<std::string, SlotGroup>> slots_; ///< a deque: references stay
  Lifetime lifetime_;
};

} // namespace tailor::optim
