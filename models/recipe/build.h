#pragma once
// Options -> training program: which network, which loss, which step.

#include <memory>
#include <utility>
#include <vector>

#include "frontend/components/loss.h"
#include "frontend/components/method.h"
#include "frontend/components/model.h"
#include "frontend/components/optimizer.h"
#include "frontend/program.h"
#include "models/recipe/parse.h"
#include "runtime/base/data_schema.h"

namespace tailor::recipe {

/// A recipe's program with the network, methods and optimizer it refers to. One step:
///
///   every method shapes the loss (class tables, bias, ...)
///   the gradients are those of the shaped loss, or what the method that makes them does with it
///   the optimizer updates the network; every method may then do something with it (the weight average)
class Program {
public:
  /// Errors  TraceError whose place is the recipe's line.
  Program(const Recipe& recipe, const runtime::DataSchema& schema);

  TrainingProgram& training() { return training_; }
  const TrainingProgram& training() const { return training_; }

private:
  void make_network(const runtime::DataSchema& schema, std::int64_t outputs);
  void make_optimizer();
  void make_methods();
  void train(Step& step);
  Gradients gradients(Step& step);
  Location at(std::string_view key) const;
  std::string text(std::string_view key) const;

  struct UsedMethod {
    const MethodSpec* spec;
    std::unique_ptr<Method> method;
  };

  const Recipe recipe_;
  TrainingProgram training_;
  std::unique_ptr<Network> net_;
  std::vector<UsedMethod> methods_; ///< in the order of their hooks
  const LossSpec* loss_;
  std::unique_ptr<optim::Optimizer> optimizer_;
};

} // namespace tailor::recipe
