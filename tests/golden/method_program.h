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
  MethodNetwork(const MethodRecording& recording, bool cosine);
  Array logits(const Array& x, const Context& context);

private:
  nn::Linear fc0_, fc1_;
  nn::BatchNorm bn0_, bn1_;
  std::unique_ptr<nn::Layer> head_;
};

/// What a user of the C++ API would write for a run of one stage. Refers to the recording.
class MethodProgram {
public:
  MethodProgram(const MethodRecording& recording, const MethodStage& method);
  MethodProgram(const MethodProgram&) = delete;
  MethodProgram& operator=(const MethodProgram&) = delete;

  const TrainingProgram& program() const { return program_; }

private:
  Array table(const ClassStats& classes, const std::string& name) const;
  Array features(const Batch& batch) const;
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

/// (file, run) of every recorded run that MethodProgram can be. The others wait for a part of the API: groups of
/// parameters, several stages.
std::vector<std::pair<std::string, std::string>> written_runs();

} // namespace tailor::golden
