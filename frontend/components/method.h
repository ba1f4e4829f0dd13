#pragma once

#include "frontend/components/keys.h"
#include "frontend/components/recipe_check.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/program.h"
#include "runtime/options/component.h"
#include "runtime/options/key_set.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tailor {

/// What a method gives a step. Two methods that give the same part cannot be combined; the hooks of a step run in this
/// order, within a part by name.
enum class Part : std::uint8_t {
  smoothing,     ///< label smoothing per class
  bias,          ///< of the logits, in training
  margin,        ///< of the true class
  focal,         ///< the focal term
  class_weights, ///< of the loss
  row_weights,   ///< of the loss: the data give them (data.row_weights), no method
  mixing,        ///< of rows with others of their batch
  gradients,     ///< how they are made
  average,       ///< of the weights
  logits,        ///< what the network's logits become
  nothing,       ///< erm: the plain step
  other,         ///< combines with everything
};
/// "the class weights of the loss", for messages.
std::string_view text_of(Part part);

/// The rows of a batch, each mixed with another one of it (methods.md 2.7, 9.5).
struct MixedRows {
  Array inputs;   ///< what the network reads in place of the batch's own
  Array partners; ///< i32 [N]: the row that each is mixed with
  Array share;    ///< f32 []: of the row itself; the rest is its partner's
  losses::MixedLabels labels = losses::MixedLabels::slotwise;
};

/// The loss of a step with the class weights of one pass; an empty array is the loss without them.
using LossOfWeights = std::function<Array(const Array& class_weights)>;

/// A method at work in one program. Hooks that a method does not need stay as they are.
class Method {
public:
  virtual ~Method() = default;

  /// State of its own: program.state("ema", average_).
  virtual void declare(TrainingProgram&, std::int64_t num_classes) {}
  /// Parameters of its own, which the optimizer updates beside the network's; declare() gives them their state.
  virtual nn::Module* module() { return nullptr; }
  /// What the network's logits become, in training, evaluation and prediction (context.train tells them apart).
  virtual Array adjust_logits(const Array& logits, const Context&) { return logits; }
  /// Class tables, bias, margin, focal term or reduction of the loss; before the gradients of a step.
  virtual void shape_loss(Step&, losses::LossOptions&) {}
  /// Mixes the rows that count (Part::mixing). `inputs` is what the network reads, Network::inputs; called once a step,
  /// so that all passes of SAM see the same rows.
  virtual MixedRows mix(Step&, const Array& inputs) {
    return {.inputs = inputs, .partners = {}, .share = {}};
  }
  /// The gradients of a step (Part::gradients). `class_weights` are those of the other methods, or empty.
  /// Reports the loss.
  virtual Gradients gradients(Step& step, const LossOfWeights& loss, const Array& class_weights);
  /// After the optimizer's update of `net`.
  virtual void after_update(Step&, nn::Module&) {}
  /// The average that eval.weights = "ema" evaluates.
  virtual optim::Ema* average() { return nullptr; }
};

/// A method that recipes may name in method.use: one file in models/methods, or in a user's program.
struct MethodSpec {
  static constexpr std::string_view kKind = "method";
  /// Another method that cannot stand beside this one for more than their parts, and the way out.
  struct Conflict {
    std::string method, hint;
  };

  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<runtime::KeySpec> keys = {}; ///< "method.<name>.*": Keys::keys().specs()
  Part part = Part::other;
  bool weighs_passes = false;      ///< gradients() calls the loss with class weights of its own
  bool adjusts_logits = false;     ///< adjust_logits() does something
  bool needs_class_logits = false; ///< K logits: model.output = "sigmoid" has one
  std::vector<Conflict> conflicts = {};
  std::function<void(RecipeCheck&)> check = {};
  /// What can only be said once the data are known.
  std::function<void(RecipeCheck&, const runtime::DataSchema&)> check_data = {};
  /// From the options of the program, whose keys are all there.
  std::function<std::unique_ptr<Method>(const runtime::Options&)> make = {};
};

/// A number of a method that stays a run key: the control field `name`, evaluated from the member's key.
template <class Keys, class T>
Array control(EntryScope& step, const std::string& name, const Keys& keys, T Keys::*member) {
  return step.control(name, static_cast<double>(keys.*member), runtime::key_name(member));
}

} // namespace tailor
