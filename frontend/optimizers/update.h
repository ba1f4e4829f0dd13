#pragma once

#include "frontend/nn/module.h"
#include "frontend/optimizers/optimizer.h"
#include "frontend/transforms/gradients.h"
#include "runtime/base/options.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tailor::optim {

class Recorder;
struct OptionPrefix;

/// One update of a module's parameters while it is recorded: what an Optimizer is given.
///
/// The parameters are those that have a gradient, in the module's order; every list here has one entry per parameter,
/// in that order. Numbers are f32 [].
class Update {
public:
  static constexpr double kLargest = std::numeric_limits<double>::max();

  /// What one step has updated with optimizers that count their updates.
  using Counted = std::set<std::pair<const Optimizer*, const State*>>;
  struct Args {
    Recorder& recorder;
    Counted& counted;
    const nn::Module& net;
    Optimizer& optimizer;
    const Gradients& gradients;
    std::function<Array()> rate; ///< records the learning rate
    Array valid;                 ///< i32 []: valid rows of the batch
    Location location;
  };
  /// Errors   TraceError: the optimizer has no state in the program, no parameter of the module has a gradient, a
  ///          parameter group is wrong.
  explicit Update(const Args& args);
  ~Update();
  /// When the optimizer is done.
  /// Errors   TraceError when it left the weights as they are, or has numbers that it never read.
  void finish();

  const Location& location() const { return location_; }

  // --- what is updated
  const std::vector<Array>& weights() const { return weights_; }
  const std::vector<Array>& gradients() const { return gradients_; }
  /// The rate of the i-th parameter, its group's scale in it.
  Array learning_rate(std::size_t i) { return learning_rates()[static_cast<std::size_t>(segments_[i])]; }
  /// The weight decay of the i-th parameter; the constant 0 for one that the decay filter leaves out.
  Array weight_decay(std::size_t i);
  /// i32 []: valid rows of the batch.
  const Array& valid() const { return valid_; }
  /// i32 []: updates of the run before this one. Errors: a parameter that this optimizer updated in this step already.
  Array step();

  // --- numbers and choices of the optimizer
  /// A run key optimizer.<key> with default `value` in [low, high], and its control field (`field`, else the key). A
  /// second optimizer of a step has both under its state group: optimizer.<state group>.<key>.
  Array number(const std::string& key, double value, double low = 0, double high = kLargest,
               const std::string& field = "");
  /// A compile key optimizer.<key>: what the code decides.
  void choice(const std::string& key, runtime::OptionValue value);

  // --- its state
  /// The slots of the parameters. Every parameter of the module gets one, so that slots are laid out like parameters.
  std::vector<Array> read(SlotGroup& slots, const InitRule& init = InitRule::zeros());
  void write(SlotGroup& slots, const std::vector<Array>& values, const InitRule& init = InitRule::zeros());
  void write_weights(const std::vector<Array>& values);

  // --- for one multi-tensor op: parameters that share rate and decay form a segment
  /// One per segment.
  const std::vector<Array>& learning_rates();
  const std::vector<Array>& weight_decays();
  /// Of each parameter.
  const std::vector<std::int32_t>& segments() const { return segments_; }
  const std::vector<bool>& decayed() const { return decayed_; }

private:
  void form_segments(const CommonOptions& options);
  Array group_rate(std::size_t index);
  Array group_number(std::size_t group, const char* key, double value);
  /// `fresh`, or `old` in a step without rows.
  Array unless_empty(const Array& fresh, const Array& old);

  Recorder& recorder_;
  Counted& counted_;
  const nn::Module& net_;
  Optimizer& optimizer_;
  Location location_;
  std::unique_ptr<OptionPrefix> prefix_;
  std::vector<std::shared_ptr<const State>> states_;
  std::vector<Array> weights_, gradients_;
  Array valid_, rate_;
  std::vector<Membership> memberships_; ///< of each segment
  std::vector<std::int32_t> segments_;
  std::vector<bool> decayed_;
  std::vector<Array> rates_, decays_;
  bool wrote_weights_ = false;
};

} // namespace tailor::optim
