#pragma once

#include "frontend/components/image_network.h"
#include "frontend/optimizers/adamw.h"
#include "frontend/optimizers/sgd.h"
#include "frontend/program.h"
#include "tests/golden/recording.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace tailor::golden {

/// A network of the recordings, at work in one program.
class RecordedNetwork {
public:
  virtual ~RecordedNetwork() = default;
  virtual nn::Module& module() = 0;
  virtual Array logits(const Batch& batch, const Context& context) = 0;
};

/// By the name of the recording. A file that has some (recorded_mlp.cpp, recorded_wrn.cpp) adds them before main().
using RecordedNetworkFactory = std::function<std::unique_ptr<RecordedNetwork>(const Recording&)>;
std::map<std::string, RecordedNetworkFactory>& recorded_networks();
/// Adds one that reads images.
void add_recorded_images(const std::string& name,
                         std::function<std::unique_ptr<ImageNetwork>(const Recording&)> make);

/// What a user of the C++ API would write for one run of a recording. Owns the modules that the program
/// refers to.
class RecordedProgram {
public:
  RecordedProgram(const std::string& net, const Recording& recording, const Run& run);
  RecordedProgram(const RecordedProgram&) = delete;
  RecordedProgram& operator=(const RecordedProgram&) = delete;

  const TrainingProgram& program() const { return program_; }

private:
  Run run_;
  std::unique_ptr<RecordedNetwork> network_;
  optim::Sgd sgd_;
  optim::AdamW adamw_;
  optim::Ema ema_;
  TrainingProgram program_;
};

} // namespace tailor::golden
