#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <string_view>
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
  std::vector<std::string> freeze = {};
  std::vector<std::string> initialise = {};
  std::string weights_file;
  std::vector<std::string> weights_names = {};
  std::vector<std::string> weights_skip = {};
  ModelOutput output = ModelOutput::kSoftmax;

  static const KeySet<ModelKeys>& keys();
};

/// [method]: which methods and which loss; their own keys are the components'.
struct MethodKeys {
  std::vector<std::string> use = {"erm"};
  std::string loss = "cross_entropy";

  static const KeySet<MethodKeys>& keys();
};

/// [optimizer]: which one and its rate; its own keys are the component's.
struct OptimizerKeys {
  std::string name = "sgd";
  double lr = 0.1;

  static const KeySet<OptimizerKeys>& keys();
};

/// Option "<key>_epoch": where it is set, table rows that begin at the fractions of option `key` begin at its epochs.
std::string epochs_key(std::string_view fraction_key);

} // namespace tailor::runtime
