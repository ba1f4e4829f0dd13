#pragma once
// Names a recipe may use beyond the built-in ones: a program that registers its own model, loss or method and
// then calls tailor::main runs recipes that name them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frontend/program.h"
#include "runtime/base/data_schema.h"
#include "runtime/base/options.h"

namespace tailor::recipe {

/// A network as a recipe uses it.
class Network {
public:
  virtual ~Network() = default;
  virtual nn::Module& module() = 0;
  /// [N, outputs]; [N] for one output.
  virtual Array logits(const Batch& batch, const Context& context) = 0;
  /// For the eval step: besides the logits what their layer reads, [N, D]; empty where the network does not say.
  struct Outputs {
    Array logits, features;
  };
  virtual Outputs evaluate(const Batch& batch, const Context& context) {
    return {.logits = logits(batch, context), .features = Array()};
  }
};

struct ModelRequest {
  const runtime::DataSchema& schema;
  int64_t outputs; ///< K, or 1 for model.output = "sigmoid"
  const runtime::Options& options;
};
using ModelFactory = std::function<std::unique_ptr<Network>(const ModelRequest&)>;

/// Makes a Network of a module with `Array operator()(const Batch&, const Context&)`. One that also has
/// `features(batch, context)` and `logits(features, context)`, which together do the same, lets predict write its
/// features.
template <class Net> std::unique_ptr<Network> as_network(std::unique_ptr<Net> net) {
  struct Adapter final : Network {
    explicit Adapter(std::unique_ptr<Net> net) : net(std::move(net)) {}
    nn::Module& module() override { return *net; }
    Array logits(const Batch& batch, const Context& context) override { return (*net)(batch, context); }
    Outputs evaluate(const Batch& batch, const Context& context) override {
      if constexpr (requires { net->logits(net->features(batch, context), context); }) {
        const Array features = net->features(batch, context);
        return {.logits = net->logits(features, context), .features = features};
      } else {
        return Network::evaluate(batch, context);
      }
    }
    std::unique_ptr<Net> net;
  };
  return std::make_unique<Adapter>(std::move(net));
}

struct LossRequest {
  Array logits;
  Batch batch;
  ClassStats classes;
  Array table; ///< [K] class weights of this pass, or empty: unweighted
};
/// f32 []: the mean over the valid rows, weighted by `table` if there is one.
using LossFunction = std::function<Array(const LossRequest&)>;

struct MethodRequest {
  Step& step;
  std::function<Array(const Array& table)> loss; ///< the recipe's loss; an empty table is the unweighted one
  const runtime::Options& options;
};
/// Gradients of one step. May call `loss` inside value_and_grad or sam, and report values.
using MethodFunction = std::function<Gradients(const MethodRequest&)>;

/// `name` becomes a value of model.name / method.loss / an entry of method.use.
/// Errors   std::invalid_argument for a built-in name, one that is registered already, and an empty function.
void register_model(const std::string& name, ModelFactory factory);
void register_loss(const std::string& name, LossFunction loss);
void register_method(const std::string& name, MethodFunction method);

/// nullptr when nothing of that name is registered.
const ModelFactory* find_model(const std::string& name);
const LossFunction* find_loss(const std::string& name);
const MethodFunction* find_method(const std::string& name);

/// Names registered for the values of `key` ("model.name", "method.loss", "method.use").
std::vector<std::string> registered_names(std::string_view key);

} // namespace tailor::recipe
