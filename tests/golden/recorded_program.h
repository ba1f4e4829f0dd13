#pragma once

#include "frontend/optimizers/adamw.h"
#include "frontend/optimizers/sgd.h"
#include "frontend/program.h"
#include "models/networks/cifar_resnet.h"
#include "models/networks/mlp.h"
#include "tests/golden/recording.h"

#include <memory>

namespace tailor::golden {

/// What a user of the C++ API would write for one run of a recording. Owns the modules that the program
/// refers to.
class RecordedProgram {
public:
  RecordedProgram(const std::string& net, const Recording& recording, const Run& run);
  RecordedProgram(const RecordedProgram&) = delete;
  RecordedProgram& operator=(const RecordedProgram&) = delete;

  const TrainingProgram& program() const { return program_; }

private:
  /// A network of the recordings: an MLP or the ResNet.
  struct Network {
    std::unique_ptr<models::Mlp> mlp;
    std::unique_ptr<models::CifarResNet> resnet;

    Network(const std::string& net, const Recording& recording);
    nn::Module& module() { return mlp ? static_cast<nn::Module&>(*mlp) : *resnet; }
    Array logits(const Batch& batch, const Context& context);
  };

  Run run_;
  Network network_;
  optim::Sgd sgd_;
  optim::AdamW adamw_;
  optim::Ema ema_;
  TrainingProgram program_;
};

} // namespace tailor::golden
