#pragma once
// Options -> training program: which network, which loss, which step.

#include <memory>

#include "frontend/program.h"
#include "frontend/recipe/parse.h"
#include "frontend/recipe/registry.h"
#include "runtime/base/data_schema.h"

namespace tailor::recipe {

/// A recipe's program with the network and optimizer it refers to.
///
/// One step is, for the methods listed in `method.use` (methods.md 2-5):
///
///   loss(table)    cross-entropy weighted by `table`, with the smoothing and the logit bias asked for
///   erm, weighted  g = grad loss(w) at the weights
///   sam, sam-a     w' = weights + R grad loss(a) / |grad loss(a)|;  g = grad loss(w) at w'
///   update         sgd or adamw with g; then the weight average
///
/// with w = class weights of `weighted` (ones without it) and a = the ascent table of sam-a (w for sam).
class Program {
public:
  /// Errors  TraceError whose place is the recipe's line.
  Program(const Recipe& recipe, const runtime::DataSchema& schema);

  TrainingProgram& training() { return training_; }
  const TrainingProgram& training() const { return training_; }

private:
  void train(Step& step);
  /// The [K] arrays of the step's loss; an empty one leaves its term out.
  struct LossTables {
    Array smoothing, bias, weights;
  };
  LossTables loss_tables(Step& step);
  /// `<method>beta`: a control field where the method's table reads it, else the value.
  Operand table_beta(Step& step, const std::string& method, const char* field);
  /// The recipe's loss with class weights `weights` (empty: none).
  Array loss(Step& step, const LossTables& tables, const Array& weights);
  Gradients gradients(Step& step);
  Gradients sharpness_aware(Step& step, const LossTables& tables);
  std::unique_ptr<Network> make_network(const ModelRequest& request);
  Array logits(const Batch& batch, const Context& context);
  Location at(std::string_view key) const;
  bool uses(std::string_view method) const;
  std::string text(std::string_view key) const;
  double number(std::string_view key) const;
  bool flag(std::string_view key) const;

  const Recipe recipe_;
  TrainingProgram training_;
  std::unique_ptr<Network> net_;
  optim::Sgd sgd_;
  optim::AdamW adamw_;
  optim::Ema ema_;
};

} // namespace tailor::recipe
