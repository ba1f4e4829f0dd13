/// The cpu in f32, one step from each of the 20 states a recorded run passes through.
///
/// The reference runs freely in f64 (tests/golden shows that it follows PyTorch, for these very programs); before
/// every step the cpu gets its state, rounded once. Then loss and updates of that one step must agree:
/// free-running f32 trajectories drift apart for reasons that are nobody's fault.
#include "backend/driver/Driver.h"
#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/cpu_executor.h"
#include "tests/golden/method_program.h"
#include "tests/golden/recorded_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

namespace tailor::backends {
namespace {

using backend::reference::ReferenceExecutor;
using golden::RecordedProgram;
using golden::Recording;
using golden::StepInputs;
using golden::Tensor;
using namespace runtime;

constexpr double kLossTolerance = 1e-5;   // relative
constexpr double kUpdateTolerance = 2e-2; // of the mean update size of the tensor

/// A recorded run as this test needs it.
struct RecordedRun {
  const std::map<std::string, Tensor>& parameters;
  const std::vector<double>& classCounts;
  size_t numSteps = 0;
  std::function<StepInputs(size_t step)> inputs;
  std::function<bool(const std::string& state)> isNoise = [](const std::string&) { return false; };
};

/// Writes the fields that the program has into the row of the next step.
void setControl(Executor& executor, const std::map<std::string, Tensor>& values) {
  for (const auto& [name, value] : values) {
    const std::int32_t index = find_control(executor.spec(), name);
    if (index < 0) continue;
    const runtime::ControlField& field = executor.spec().control[static_cast<size_t>(index)];
    backend::reference::toBytes(
        value, field.dtype,
        {executor.control_row(executor.counter()) + field.offset, field.count * dtype_bytes(field.dtype)});
  }
}

VariantId variantOf(const ArtifactSpec& spec, EntryKind kind) {
  for (size_t e = 0; e < spec.entries.size(); ++e)
    if (spec.entries[e].kind == kind) return {static_cast<std::int32_t>(e), 0};
  return {};
}

void fillSlot(Executor& executor, const std::map<std::string, Tensor>& batch) {
  const VariantId id = variantOf(executor.spec(), EntryKind::kStep);
  for (const SlotField& field :
       executor.spec().entries[static_cast<size_t>(id.entry)].variants[0].slot_fields)
    backend::reference::toBytes(batch.at(field.name), field.dtype,
                                {executor.slot(0) + field.offset, field.bytes});
}

double metric(const Executor& executor, const std::string& name) {
  const MetricField& field = executor.spec().metrics[static_cast<size_t>(find_metric(executor.spec(), name))];
  float value = 0;
  std::memcpy(&value, executor.metrics_row(executor.counter() - 1) + field.offset, sizeof(value));
  return value;
}

void oneStepFromEachState(const TrainingProgram& program, const RecordedRun& run) {
  const auto compiled = backend::compile(program, backend::CompileOptions());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto artifact = Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  auto cpu = CpuExecutor::create(*artifact, {});
  auto reference = ReferenceExecutor::create(*artifact, {});
  ASSERT_TRUE(cpu.ok() && reference.ok()) << cpu.status().message() << reference.status().message();

  const ArtifactSpec& spec = (*artifact)->spec();
  std::vector<std::byte> bytes;
  ASSERT_TRUE((*reference)->initialise(0, {}).ok());
  for (size_t s = 0; s < spec.states.size(); ++s) {
    const runtime::State& state = spec.states[s];
    bytes.resize(state.bytes);
    const bool isNet = spec.groups[static_cast<size_t>(state.group)].kind == GroupKind::kNet;
    if (isNet)
      backend::reference::toBytes(run.parameters.at(state.name), state.dtype, bytes);
    else if (state.name == "class_counts")
      backend::reference::toBytes(
          Tensor::real({static_cast<int64_t>(run.classCounts.size())}, run.classCounts), state.dtype, bytes);
    else
      continue;
    ASSERT_TRUE((*reference)->write_state(static_cast<std::int32_t>(s), bytes).ok());
  }
  if (const VariantId fit = variantOf(spec, EntryKind::kFit); fit.entry >= 0) {
    setControl(**reference, run.inputs(0).control);
    ASSERT_TRUE((*reference)->run(fit, 1).ok());
  }

  const VariantId train = variantOf(spec, EntryKind::kStep);
  for (size_t t = 0; t < run.numSteps; ++t) {
    SCOPED_TRACE("step " + std::to_string(t));
    std::vector<std::vector<double>> before;
    for (size_t s = 0; s < spec.states.size(); ++s) {
      bytes.resize(spec.states[s].bytes);
      ASSERT_TRUE((*reference)->read_state(static_cast<std::int32_t>(s), bytes).ok());
      ASSERT_TRUE((*cpu)->write_state(static_cast<std::int32_t>(s), bytes).ok());
      before.push_back((*reference)->exactState(static_cast<std::int32_t>(s)));
    }
    const StepInputs inputs = run.inputs(t);
    for (Executor* executor :
         {static_cast<Executor*>(cpu->get()), static_cast<Executor*>(reference->get())}) {
      setControl(*executor, inputs.control);
      fillSlot(*executor, inputs.batch);
      const Status status = executor->run(train, 1);
      ASSERT_TRUE(status.ok()) << status.message();
    }
    const double loss = metric(**reference, "loss");
    EXPECT_NEAR(metric(**cpu, "loss"), loss, kLossTolerance * std::abs(loss));
    for (size_t s = 0; s < spec.states.size(); ++s) {
      if (spec.groups[static_cast<size_t>(spec.states[s].group)].kind != GroupKind::kNet) continue;
      if (run.isNoise(spec.states[s].name)) continue;
      const std::vector<double> expected = (*reference)->exactState(static_cast<std::int32_t>(s));
      bytes.resize(spec.states[s].bytes);
      ASSERT_TRUE((*cpu)->read_state(static_cast<std::int32_t>(s), bytes).ok());
      const Tensor actual = backend::reference::fromBytes(bytes, spec.states[s].dtype, spec.states[s].shape);
      double meanUpdate = 0;
      for (size_t i = 0; i < expected.size(); ++i)
        meanUpdate += std::abs(expected[i] - before[s][i]) / static_cast<double>(expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        // The state itself is held in f32: half a unit in the last place belongs to no step.
        const double rounding = 0x1p-23 * std::abs(expected[i]);
        EXPECT_NEAR(actual.reals()[i], expected[i], kUpdateTolerance * meanUpdate + rounding)
            << spec.states[s].name << " element " << i;
      }
    }
  }
}

struct OneStepCase {
  std::string net, method;
};
std::string name_of(const OneStepCase& c) {
  return c.net + "_" + c.method;
}
void PrintTo(const OneStepCase& c, std::ostream* out) {
  *out << name_of(c);
}

class OneStep : public testing::TestWithParam<OneStepCase> {};

TEST_P(OneStep, FromEachRecordedState) {
  const auto& [net, method] = GetParam();
  const Recording recording = Recording::load(net);
  ASSERT_TRUE(recording.runs.contains(method));
  const golden::Run& run = recording.runs.at(method);
  const auto inputs = [&](size_t t) {
    const auto step = static_cast<int64_t>(t), valid = run.valid[t];
    StepInputs result;
    result.control = {{"lr", Tensor::scalar(run.lr[t])},
                      {"valid", Tensor::integer({}, {valid})},
                      {"step", Tensor::integer({}, {step})},
                      {"slot", Tensor::integer({}, {0})},
                      {"rng", Tensor::integer({4}, {1, 2, 3, step * recording.batch})},
                      {"momentum", Tensor::scalar(0.9)},
                      {"weight_decay", Tensor::scalar(run.adamw ? 0.05 : 2e-4)},
                      {"rho", Tensor::scalar(run.rho)},
                      {"beta1", Tensor::scalar(0.9)},
                      {"beta2", Tensor::scalar(0.999)},
                      {"adam_eps", Tensor::scalar(recording.adam_eps)},
                      {"ema_decay", Tensor::scalar(run.ema ? run.ema_decay[t] : 0)}};
    result.batch = {{recording.input.size() == 1 ? "numeric" : "image", recording.inputs(step, valid)},
                    {"label", recording.batch_labels(step, valid)},
                    {"index", Tensor(golden::Element::i32, {recording.batch})}};
    return result;
  };
  // A bias before batch norm has gradient 0; AdamW divides what rounding leaves of it by its own size.
  const auto isNoise = [&](const std::string& state) {
    return run.adamw && net == "mlp_bn" && state.starts_with("fc") && state.ends_with(".bias");
  };
  const RecordedProgram recorded(net, recording, run);
  oneStepFromEachState(recorded.program(),
                       {recording.parameters, recording.class_counts, run.loss.size(), inputs, isNoise});
}

std::vector<OneStepCase> oneStepCases() {
  std::vector<OneStepCase> cases;
  for (const char* net : {"mlp", "mlp_bn"})
    for (const char* method : {"erm", "weighted_smoothing", "sam", "asam_nesterov", "sam_a", "ema", "adamw"})
      cases.push_back({net, method});
  if (golden::recorded_networks().contains("resnet8"))
    for (const char* method : {"erm", "sam_a", "adamw"}) // its convolutions take time on the reference
      cases.push_back({"resnet8", method});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, OneStep, testing::ValuesIn(oneStepCases()),
                         [](const auto& info) { return name_of(info.param); });

struct OneMethodStepCase {
  std::string file, run;
  size_t stage;
};
std::string name_of(const OneMethodStepCase& c) {
  return c.run + (c.stage == 0 ? "" : "_stage_" + std::to_string(c.stage));
}
void PrintTo(const OneMethodStepCase& c, std::ostream* out) {
  *out << name_of(c);
}

class OneMethodStep : public testing::TestWithParam<OneMethodStepCase> {};

TEST_P(OneMethodStep, FromEachRecordedState) {
  const golden::MethodRecording recording = golden::MethodRecording::load(GetParam().file);
  ASSERT_TRUE(recording.runs.contains(GetParam().run));
  const golden::MethodRun& run = recording.runs.at(GetParam().run);
  const golden::MethodStage& method = run.stages[GetParam().stage];
  const golden::MethodProgram written(recording, run, GetParam().stage);
  // A bias before batch norm has gradient 0: without decay what rounding leaves of it is all its update.
  const std::vector<std::string> still = method.names("no_decay");
  oneStepFromEachState(written.program(),
                       {run.parameters, recording.class_counts, method.lr.size(),
                        [&](size_t t) { return golden::step_inputs(recording, method, t); },
                        [&](const std::string& state) {
                          return state.starts_with("fc") && state.ends_with(".bias") &&
                                 std::find(still.begin(), still.end(), state) != still.end();
                        }});
}

std::vector<OneMethodStepCase> oneMethodStepCases() {
  std::vector<OneMethodStepCase> cases;
  for (const auto& [file, name] : golden::recorded_runs()) {
    const golden::MethodRecording recording = golden::MethodRecording::load(file);
    for (size_t stage = 0; stage < recording.runs.at(name).stages.size(); ++stage)
      cases.push_back({file, name, stage});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, OneMethodStep, testing::ValuesIn(oneMethodStepCases()),
                         [](const auto& info) { return name_of(info.param); });

} // namespace
} // namespace tailor::backends
