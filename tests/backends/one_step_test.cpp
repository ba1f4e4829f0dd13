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
#include <span>

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

/// Loss and states of the network after a step; the others are empty.
struct Outcome {
  double loss = 0;
  std::vector<std::vector<double>> states;
};

/// What an outcome may be: on `low`, on `high`, or between.
struct Bounds {
  Outcome low, high;

  void include(const Outcome& outcome) {
    low.loss = std::min(low.loss, outcome.loss), high.loss = std::max(high.loss, outcome.loss);
    for (size_t s = 0; s < outcome.states.size(); ++s)
      for (size_t i = 0; i < outcome.states[s].size(); ++i) {
        low.states[s][i] = std::min(low.states[s][i], outcome.states[s][i]);
        high.states[s][i] = std::max(high.states[s][i], outcome.states[s][i]);
      }
  }
};

/// One artifact on the cpu and on the reference.
class OneStepRun {
public:
  OneStepRun(const TrainingProgram& program, const RecordedRun& run) : run_(run) {
    const auto compiled = backend::compile(program, backend::CompileOptions());
    if (!refused(compiled)) make(Artifact::from_bytes(compiled->artifact));
  }

  bool begin() {
    if (!reference_ || !reference_->initialise(0, {}).ok()) return false;
    std::vector<std::byte> bytes;
    for (size_t s = 0; s < spec().states.size(); ++s) {
      const runtime::State& state = spec().states[s];
      bytes.resize(state.bytes);
      if (spec().groups[static_cast<size_t>(state.group)].kind == GroupKind::kNet)
        backend::reference::toBytes(run_.parameters.at(state.name), state.dtype, bytes);
      else if (state.name == "class_counts")
        backend::reference::toBytes(
            Tensor::real({static_cast<int64_t>(run_.classCounts.size())}, run_.classCounts), state.dtype,
            bytes);
      else
        continue;
      if (!reference_->write_state(static_cast<std::int32_t>(s), bytes).ok()) return false;
    }
    if (const VariantId fit = variantOf(spec(), EntryKind::kFit); fit.entry >= 0) {
      setControl(*reference_, run_.inputs(0).control);
      return reference_->run(fit, 1).ok();
    }
    return true;
  }

  /// The next step on both, from the state of the reference. False: some arithmetic of f32 decided it (shaken()).
  bool step(size_t t) {
    before_.clear(), rounded_.clear();
    for (size_t s = 0; s < spec().states.size(); ++s) {
      before_.push_back(reference_->exactState(static_cast<std::int32_t>(s)));
      std::vector<std::byte>& bytes = rounded_.emplace_back(spec().states[s].bytes);
      EXPECT_TRUE(reference_->read_state(static_cast<std::int32_t>(s), bytes).ok());
      EXPECT_TRUE(cpu_->write_state(static_cast<std::int32_t>(s), bytes).ok());
    }
    const StepInputs inputs = run_.inputs(t);
    runStep(*cpu_, inputs);
    runStep(*reference_, inputs);
    const Outcome exact = outcomeOf(*reference_);
    Bounds bounds{exact, exact};
    if (difference(bounds, exact).empty()) return true;
    shake(inputs, bounds);
    EXPECT_EQ(difference(bounds, exact), "");
    return false;
  }

private:
  template <class Value> static bool refused(const Result<Value>& result) {
    EXPECT_TRUE(result.ok()) << result.status().message();
    return !result.ok();
  }

  void make(Result<std::shared_ptr<const Artifact>> artifact) {
    if (refused(artifact)) return;
    artifact_ = *std::move(artifact);
    auto cpu = CpuExecutor::create(artifact_, {});
    auto reference = ReferenceExecutor::create(artifact_, {}),
         shaken = ReferenceExecutor::create(artifact_, {});
    if (refused(cpu) || refused(reference) || refused(shaken)) return;
    cpu_ = *std::move(cpu), reference_ = *std::move(reference), shaken_ = *std::move(shaken);
  }

  [[nodiscard]] const ArtifactSpec& spec() const { return artifact_->spec(); }
  [[nodiscard]] bool isNet(size_t state) const {
    return spec().groups[static_cast<size_t>(spec().states[state].group)].kind == GroupKind::kNet;
  }

  static void runStep(Executor& executor, const StepInputs& inputs) {
    setControl(executor, inputs.control);
    fillSlot(executor, inputs.batch);
    const Status status = executor.run(variantOf(executor.spec(), EntryKind::kStep), 1);
    EXPECT_TRUE(status.ok()) << status.message();
  }

  [[nodiscard]] Outcome outcomeOf(const ReferenceExecutor& reference) const {
    Outcome outcome{metric(reference, "loss"), {}};
    for (size_t s = 0; s < spec().states.size(); ++s)
      outcome.states.push_back(isNet(s) ? reference.exactState(static_cast<std::int32_t>(s))
                                        : std::vector<double>());
    return outcome;
  }

  /// Where a unit of a ReLU, or the place of a maximum, lies so near the edge that rounding puts it on either side, the
  /// update jumps: that is nobody's fault. So the reference takes the step from states that differ by what rounding makes
  /// of sums of a few hundred terms, and whatever it then does is right.
  void shake(const StepInputs& inputs, Bounds& bounds) {
    constexpr double kShake = 0x1p-21; // relative
    constexpr int kTimes = 8; // a unit that falls on either side is on each in all but 1 of 128 such sets
    uint32_t element = 0;
    for (int time = 0; time < kTimes; ++time) {
      for (size_t s = 0; s < spec().states.size(); ++s) {
        const runtime::State& state = spec().states[s];
        std::vector<std::byte> bytes = rounded_[s];
        if (state.dtype == runtime::DType::kF32) {
          const std::span<float> values(reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float));
          for (float& value : values)
            value *= static_cast<float>(golden::drawn(7, 0, time, element++) < 0.5 ? 1 - kShake : 1 + kShake);
        }
        EXPECT_TRUE(shaken_->write_state(static_cast<std::int32_t>(s), bytes).ok());
      }
      runStep(*shaken_, inputs);
      bounds.include(outcomeOf(*shaken_));
    }
  }

  /// The first thing in which the cpu is outside of `bounds`; "" if nothing is.
  [[nodiscard]] std::string difference(const Bounds& bounds, const Outcome& exact) const {
    const double tolerance = kLossTolerance * std::abs(exact.loss), loss = metric(*cpu_, "loss");
    if (!(loss >= bounds.low.loss - tolerance && loss <= bounds.high.loss + tolerance))
      return concat("the loss is ", loss, " instead of ", exact.loss);
    std::vector<std::byte> bytes;
    for (size_t s = 0; s < spec().states.size(); ++s) {
      const runtime::State& state = spec().states[s];
      if (!isNet(s) || run_.isNoise(state.name)) continue;
      bytes.resize(state.bytes);
      EXPECT_TRUE(cpu_->read_state(static_cast<std::int32_t>(s), bytes).ok());
      const Tensor actual = backend::reference::fromBytes(bytes, state.dtype, state.shape);
      const std::vector<double>& expected = exact.states[s];
      double meanUpdate = 0;
      for (size_t i = 0; i < expected.size(); ++i)
        meanUpdate += std::abs(expected[i] - before_[s][i]) / static_cast<double>(expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        // The state itself is held in f32: half a unit in the last place belongs to no step.
        const double off = kUpdateTolerance * meanUpdate + 0x1p-23 * std::abs(expected[i]);
        const double value = actual.reals()[static_cast<int64_t>(i)];
        if (!(value >= bounds.low.states[s][i] - off && value <= bounds.high.states[s][i] + off))
          return concat("element ", i, " of '", state.name, "' is ", value, " instead of ", expected[i],
                        " give or take ", off, ", and was ", before_[s][i]);
      }
    }
    return "";
  }

  const RecordedRun& run_;
  std::shared_ptr<const Artifact> artifact_;
  std::unique_ptr<Executor> cpu_;
  std::unique_ptr<ReferenceExecutor> reference_, shaken_;
  std::vector<std::vector<double>> before_;     ///< the states of the step, as the reference has them
  std::vector<std::vector<std::byte>> rounded_; ///< and as the cpu gets them
};

void oneStepFromEachState(const TrainingProgram& program, const RecordedRun& run) {
  OneStepRun one(program, run);
  ASSERT_TRUE(one.begin());
  int decidedByRounding = 0;
  for (size_t t = 0; t < run.numSteps && !testing::Test::HasFailure(); ++t) {
    SCOPED_TRACE("step " + std::to_string(t));
    if (!one.step(t)) ++decidedByRounding;
  }
  // Of a few ten thousand units in 20 steps: seen were at most 1.
  EXPECT_LE(decidedByRounding, 2);
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
  for (const auto& [net, make] : golden::recorded_networks()) {
    const Recording recording = Recording::load(net);
    // Convolutions take time on the reference: all networks with two passes in a step, one of them in other ways too.
    const bool images = recording.input.size() > 1, inAllWays = recording.runs.size() > 2;
    for (const auto& [method, run] : recording.runs)
      if (!images || method == "sam_a" || (inAllWays && (method == "erm" || method == "adamw")))
        cases.push_back({net, method});
  }
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
