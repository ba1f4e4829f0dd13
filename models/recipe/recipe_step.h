#pragma once
// One train step of a recipe: its methods, their loss, the update.

#include "frontend/components/loss.h"
#include "frontend/components/method.h"
#include "frontend/components/model.h"
#include "models/recipe/parse.h"

#include <memory>
#include <string>
#include <vector>

namespace tailor::recipe {

/// Where a key was set; a default answers to the first key set in its section, else to the recipe as a whole.
Location location_of(const Recipe& recipe, std::string_view key);

/// A method of a step; the program owns it.
struct UsedMethod {
  const MethodSpec* spec;
  Method* method;
};

/// One step:
///
///   every method shapes the loss (class tables, bias, ...)
///   a method may mix the rows with each other
///   the gradients are those of the shaped loss, or what the method that makes them does with it
///   the optimizer updates the network; every method may then do something with it (the weight average)
class RecipeStep {
public:
  /// `part` is the recipe as the stage of this step has it; network and optimizer outlive the step. `weighs_rows`: the
  /// data have row weights.
  RecipeStep(Recipe part, std::vector<UsedMethod> methods, Network& net, optim::Optimizer& optimizer,
             bool weighs_rows);

  void train(Step& step);
  /// The network's logits as the methods give them on.
  Array adjusted(Array logits, const Context& context) const;
  bool adjusts() const;
  const Recipe& part() const { return part_; }
  const std::vector<UsedMethod>& methods() const { return methods_; }
  /// Two steps of the same signature record the same.
  const std::string& signature() const { return signature_; }

private:
  Gradients gradients(Step& step);
  /// The rows as a method mixes them, and their labels in `shaped`; without partners if none does.
  MixedRows mix(Step& step, losses::LossOptions& shaped);
  /// What the loss makes of a request, weighed, mixed and reduced.
  Array loss_of(const LossRequest& request) const;
  bool reduces_by(Reduction reduction) const;
  std::string reduction_key() const;
  Location at(std::string_view key) const { return location_of(part_, key); }

  Recipe part_;
  std::vector<UsedMethod> methods_; ///< in the order of their hooks
  const LossSpec* loss_;
  Network& net_;
  optim::Optimizer& optimizer_;
  bool weighs_rows_;
  std::string signature_;
};

/// The compile keys of `specs` and their values, as text: what a component was made of.
std::string made_of(const Options& options, const std::vector<runtime::KeySpec>& specs);

} // namespace tailor::recipe
