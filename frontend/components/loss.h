#pragma once

#include "frontend/components/method.h"

#include <functional>
#include <string>
#include <vector>

namespace tailor {

struct LossRequest {
  Step& step;
  Array logits; ///< [N, K]; [N] for model.output = "sigmoid"
  Batch batch;  ///< with the labels that the loss is of: of mixed rows those of one slot
  ClassStats classes;
  const runtime::Options& options; ///< of the program: component_keys<Keys>(request.options)
  /// For a loss with `takes`: what the methods made of it; class_weights are those of this pass. `valid` is the batch's.
  losses::LossOptions terms;
};

/// A loss that recipes may name in method.loss: one file in models/losses, or in a user's program.
struct LossSpec {
  static constexpr std::string_view kKind = "loss";

  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<runtime::KeySpec> keys = {};
  bool takes_one_logit = false; ///< works with model.output = "sigmoid"
  /// f32 [N]: the loss of each row by its label. The step does the rest (losses/row_losses.h): it puts class and row
  /// weights in front, mixes the losses of two labels, leaves padding out and divides as the methods say.
  ///
  /// With `takes` instead f32 []: the loss of the batch, all of that done as LossRequest::terms has it.
  std::function<Array(const LossRequest&)> make = {};

  /// The parts of LossRequest::terms that make() honours itself. A method that gives another one is refused beside it.
  std::vector<Part> takes = {};
  /// With `takes`: what make() can divide by. A recipe that asks for something else is refused.
  std::vector<Reduction> reductions = {Reduction::batch_mean};

  bool is_of_rows() const { return takes.empty(); }
};

} // namespace tailor
