#pragma once

#include "frontend/nn/batch_norm.h"
#include "frontend/nn/linear.h"
#include "frontend/optimizers/sgd.h"
#include "frontend/program.h"
#include "tests/golden/method_recording.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tailor::golden {

/// The network of methods_*.json.
class MethodNetwork : public nn::Module {
public:
  /// `head`: "" (linear), "cosine", or "scaled", linear times a factor per class that stage 1 leaves alone.
  MethodNetwork(const MethodRecording& recording, const std::string& head);
  Array logits(const Array& x, const Context& context);

private:
  nn::Linear fc0_, fc1_;
  nn::BatchNorm bn0_, bn1_;
  std::unique_ptr<nn::Layer> head_;
  std::unique_ptr<nn::Module> scale_;
};

/// What a user of the C++ API would write for one stage of a run. Refers to the recording.
class MethodProgram {
public:
  MethodProgram(const MethodRecording& recording, const MethodRun& run, std::size_t stage = 0);
  MethodProgram(const MethodProgram&) = delete;
  MethodProgram& operator=(const MethodProgram&) = delete;

  const TrainingProgram& program() const { return program_; }

private:
  Array table(const ClassStats& classes, const std::string& name) const;
  Array loss(Step& step);

  const MethodRecording& recording_;
  const MethodStage& method_;
  MethodNetwork network_;
  optim::Sgd sgd_;
  TrainingProgram program_;
};

/// What the host gives step `t`: control fields and the batch, whose padding is zero. MixUp's rows and second labels are
/// mixed here: what a test compares is the loss and all that follows from it.
struct StepInputs {
  std::map<std::string, Tensor> control, batch;
};
StepInputs step_inputs(const MethodRecording& recording, const MethodStage& method, size_t t);

/// (file, run) of every recorded run.
std::vector<std::pair<std::string, std::string>> recorded_runs();

} // namespace tailor::golden
