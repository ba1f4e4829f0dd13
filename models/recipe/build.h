#pragma once
// Options -> training program: which network, which optimizer, which steps.

#include "frontend/components/model.h"
#include "frontend/components/optimizer.h"
#include "frontend/program.h"
#include "models/recipe/parse.h"
#include "models/recipe/recipe_step.h"
#include "runtime/base/data_schema.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tailor::recipe {

/// A recipe's program with the network, methods and optimizer it refers to. A recipe of several stages has a step for
/// every different choice of methods among them; network and optimizer are one.
class Program {
public:
  /// Errors  TraceError whose place is the recipe's line.
  Program(const Recipe& recipe, const runtime::DataSchema& schema);

  TrainingProgram& training() { return training_; }
  const TrainingProgram& training() const { return training_; }

private:
  std::unique_ptr<Network> make_network(const runtime::DataSchema& schema, std::int64_t outputs) const;
  /// State groups for the weights at the end of stages that a stage begins with, other than the next one.
  void keep_weights(const runtime::DataSchema& schema, std::int64_t outputs);
  std::string kept_group(std::size_t stage) const;
  /// What stage `i` copies when it begins.
  std::vector<StageCopy> copies_of(std::size_t i) const;
  /// Errors   TraceError for a pattern of model.initialise that matches no tensor.
  void check_initialised(const Recipe& part) const;
  void make_optimizer();
  /// The methods of a part; those that are alike in two parts are one object.
  std::vector<UsedMethod> methods_of(const Recipe& part);
  /// Gives a method its state.
  /// Errors   TraceError where an earlier one of the same name, made by other keys, has state already.
  void declare(const MethodSpec& spec, Method& method, const Recipe& part);
  void make_steps();
  EvalOptions evaluation_of(const Recipe& part, const std::vector<UsedMethod>& methods) const;
  void evaluate(Eval& eval, const RecipeStep& step);
  Location at(std::string_view key) const { return location_of(recipe_, key); }
  std::string text(std::string_view key) const;

  const Recipe recipe_;
  TrainingProgram training_;
  std::int64_t num_classes_ = 0;
  bool weighs_rows_ = false; ///< the data have row weights
  std::unique_ptr<Network> net_;
  std::map<std::size_t, std::unique_ptr<Network>> kept_; ///< by the stage at whose end its weights are kept
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::map<std::string, std::unique_ptr<Method>> methods_; ///< by name and the keys they were made of
  std::map<std::string, Recipe> declared_; ///< methods with state, by name: the part that they were made for
  std::vector<std::unique_ptr<RecipeStep>> steps_;
};

} // namespace tailor::recipe
