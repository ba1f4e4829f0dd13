#pragma once

#include "frontend/components/keys.h"
#include "frontend/graph/context.h"
#include "frontend/nn/module.h"
#include "runtime/base/data_schema.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tailor {

/// A network as a recipe uses it.
class Network {
public:
  virtual ~Network() = default;
  virtual nn::Module& module() = 0;
  /// [N, outputs]; [N] for one output.
  virtual Array logits(const Batch& batch, const Context& context) = 0;
  /// What the network reads of a batch as one array of numbers [N, ...], categories encoded: what rows are mixed in.
  /// Empty: the network does not say, and a method that mixes rows is refused.
  virtual Array inputs(const Batch&) { return {}; }
  /// logits() of what inputs() gave.
  virtual Array logits_of(const Array& /*inputs*/, const Context&) { return {}; }
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
  std::int64_t outputs; ///< K, or 1 for model.output = "sigmoid"
  const runtime::Options& options;
};

/// What a network reads.
enum class InputKind : std::uint8_t { table, image };

/// A network that recipes may name in model.name: one file in models/networks, or in a user's program.
struct ModelSpec {
  static constexpr std::string_view kKind = "model";

  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<runtime::KeySpec> keys = {}; ///< "model.*"
  InputKind input = InputKind::table;
  std::function<std::unique_ptr<Network>(const ModelRequest&)> make = {};
};

/// Makes a Network of a module with `Array operator()(const Batch&, const Context&)`. One that also has
/// `features(batch, context)` and `logits(features, context)`, which together do the same, lets predict write its
/// features. `inputs(batch)` and `operator()(inputs, context)`, together the same too, let methods mix rows.
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
    Array inputs(const Batch& batch) override {
      if constexpr (requires(const Array& inputs, const Context& context) {
                      (*net)(inputs, context);
                      net->inputs(batch);
                    })
        return net->inputs(batch);
      else
        return {};
    }
    Array logits_of(const Array& inputs, const Context& context) override {
      if constexpr (requires { (*net)(inputs, context); })
        return (*net)(inputs, context);
      else
        return Network::logits_of(inputs, context);
    }
    std::unique_ptr<Net> net;
  };
  return std::make_unique<Adapter>(std::move(net));
}

} // namespace tailor
