#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

/// What the last layer gives.
enum class ModelOutput : std::uint8_t {
  kSoftmax, ///< K logits
  kSigmoid, ///< one logit, for two classes
};
template <> struct Words<ModelOutput> {
  static constexpr std::pair<ModelOutput, const char*> kAll[] = {{ModelOutput::kSoftmax, "softmax"},
                                                                 {ModelOutput::kSigmoid, "sigmoid"}};
};

/// [model]: which network; its own keys are the component's.
struct ModelKeys {
  std::string name = "mlp";
  ModelOutput output = ModelOutput::kSoftmax;

  static const KeySet<ModelKeys>& keys();
};

/// [method]: which methods and which loss; their own keys are the components'.
struct MethodKeys {
  std::vector<std::string> use = {"erm"};
  std::string loss = "cross_entropy";

  static const KeySet<MethodKeys>& keys();
};

/// [optimizer]
struct OptimizerKeys {
  std::string name = "sgd";
  double lr = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0.0002;
  std::string decay_filter = "all";
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;

  static const KeySet<OptimizerKeys>& keys();
};

} // namespace tailor::runtime
