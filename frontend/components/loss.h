#pragma once

#include "frontend/components/method.h"

#include <functional>
#include <string>
#include <vector>

namespace tailor {

struct LossRequest {
  Step& step;
  Array logits; ///< [N, K]; [N] for model.output = "sigmoid"
  Batch batch;
  ClassStats classes;
  /// What the methods made of it; class_weights are those of this pass. `valid` is the batch's.
  losses::LossOptions options;

  /// The class weights of this pass [K], or empty: unweighted.
  Array class_weights() const { return options.class_weights ? options.class_weights->array() : Array(); }
};

/// A loss that recipes may name in method.loss: one file in models/losses, or in a user's program.
struct LossSpec {
  static constexpr std::string_view kKind = "loss";

  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<runtime::KeySpec> keys = {};
  /// The parts of LossRequest::options that it honours. A method that gives another one is refused beside it.
  std::vector<Part> takes = {Part::class_weights};
  bool takes_one_logit = false; ///< works with model.output = "sigmoid"
  /// f32 []: the mean over the valid rows.
  std::function<Array(const LossRequest&)> make = {};
};

} // namespace tailor
