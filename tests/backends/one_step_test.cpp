/// The cpu in f32, one step from each of the 20 states a recorded run passes through.
///
/// The reference runs freely in f64 (tests/golden/parity_test.cpp shows that it follows PyTorch); before
/// every step the cpu gets its state, rounded once. Then loss and updates of that one step must agree:
/// free-running f32 trajectories drift apart for reasons that are nobody's fault.
#include "backend/driver/Driver.h"
#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/cpu_executor.h"
#include "tests/golden/recorded_program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace tailor::backends {
namespace {

using backend::reference::ReferenceExecutor;
using golden::RecordedProgram;
using golden::Recording;
using golden::Tensor;
using namespace runtime;

constexpr double kLossTolerance = 1e-5;   // relative
constexpr double kUpdateTolerance = 2e-2; // of the mean update size of the tensor

/// Writes field `name` of the row of step `counter`, if the program has it.
void setControl(Executor& executor, const std::string& name, std::vector<double> values) {
  const std::int32_t index = find_control(executor.spec(), name);
  if (index < 0) return;
  const runtime::ControlField& field = executor.spec().control[static_cast<size_t>(index)];
  const Tensor tensor = Tensor::real({static_cast<int64_t>(values.size())}, values);
  backend::reference::toBytes(
      tensor, field.dtype,
      {executor.control_row(executor.counter()) + field.offset, field.count * dtype_bytes(field.dtype)});
}

void setStep(Executor& executor, const Recording& recording, const golden::Run& run, int64_t t) {
  const int64_t valid = run.valid[static_cast<size_t>(t)];
  setControl(executor, "lr", {run.lr[static_cast<size_t>(t)]});
  setControl(executor, "valid", {static_cast<double>(valid)});
  setControl(executor, "step", {static_cast<double>(t)});
  setControl(executor, "slot", {0});
  setControl(executor, "rng", {1, 2, 3, static_cast<double>(t * recording.batch)});
  setControl(executor, "momentum", {0.9});
  setControl(executor, "weight_decay", {run.adamw ? 0.05 : 2e-4});
  setControl(executor, "rho", {run.rho});
  setControl(executor, "beta1", {0.9});
  setControl(executor, "beta2", {0.999});
  setControl(executor, "adam_eps", {recording.adam_eps});
  if (run.ema) setControl(executor, "ema_decay", {run.ema_decay[static_cast<size_t>(t)]});
}

VariantId variantOf(const ArtifactSpec& spec, EntryKind kind) {
  for (size_t e = 0; e < spec.entries.size(); ++e)
    if (spec.entries[e].kind == kind) return {static_cast<std::int32_t>(e), 0};
  return {};
}

void fillSlot(Executor& executor, const Recording& recording, const golden::Run& run, int64_t t) {
  const VariantId id = variantOf(executor.spec(), EntryKind::kStep);
  const int64_t valid = run.valid[static_cast<size_t>(t)];
  for (const SlotField& field :
       executor.spec().entries[static_cast<size_t>(id.entry)].variants[0].slot_fields) {
    const std::span<std::byte> place{executor.slot(0) + field.offset, field.bytes};
    if (field.name == "label")
      backend::reference::toBytes(recording.batch_labels(t, valid), field.dtype, place);
    else if (field.name == "index")
      std::fill(place.begin(), place.end(), std::byte{0});
    else
      backend::reference::toBytes(recording.inputs(t, valid), field.dtype, place);
  }
}

double metric(const Executor& executor, const std::string& name) {
  const MetricField& field = executor.spec().metrics[static_cast<size_t>(find_metric(executor.spec(), name))];
  float value = 0;
  std::memcpy(&value, executor.metrics_row(executor.counter() - 1) + field.offset, sizeof(value));
  return value;
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
  const Recording recording = Recording::load(GetParam().net);
  ASSERT_TRUE(recording.runs.contains(GetParam().method));
  const golden::Run& run = recording.runs.at(GetParam().method);
  const RecordedProgram recorded(GetParam().net, recording, run);
  const auto compiled = backend::compile(recorded.program(), backend::CompileOptions());
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
      backend::reference::toBytes(recording.parameters.at(state.name), state.dtype, bytes);
    else if (state.name == "class_counts")
      backend::reference::toBytes(
          Tensor::real({static_cast<int64_t>(recording.class_counts.size())}, recording.class_counts),
          state.dtype, bytes);
    else
      continue;
    ASSERT_TRUE((*reference)->write_state(static_cast<std::int32_t>(s), bytes).ok());
  }
  if (const VariantId fit = variantOf(spec, EntryKind::kFit); fit.entry >= 0) {
    setStep(**reference, recording, run, 0);
    ASSERT_TRUE((*reference)->run(fit, 1).ok());
  }

  const VariantId train = variantOf(spec, EntryKind::kStep);
  for (int64_t t = 0; t < static_cast<int64_t>(run.loss.size()); ++t) {
    SCOPED_TRACE("step " + std::to_string(t));
    std::vector<std::vector<double>> before;
    for (size_t s = 0; s < spec.states.size(); ++s) {
      bytes.resize(spec.states[s].bytes);
      ASSERT_TRUE((*reference)->read_state(static_cast<std::int32_t>(s), bytes).ok());
      ASSERT_TRUE((*cpu)->write_state(static_cast<std::int32_t>(s), bytes).ok());
      before.push_back((*reference)->exactState(static_cast<std::int32_t>(s)));
    }
    for (Executor* executor :
         {static_cast<Executor*>(cpu->get()), static_cast<Executor*>(reference->get())}) {
      setStep(*executor, recording, run, t);
      fillSlot(*executor, recording, run, t);
      const Status status = executor->run(train, 1);
      ASSERT_TRUE(status.ok()) << status.message();
    }
    const double loss = metric(**reference, "loss");
    EXPECT_NEAR(metric(**cpu, "loss"), loss, kLossTolerance * std::abs(loss));
    for (size_t s = 0; s < spec.states.size(); ++s) {
      if (spec.groups[static_cast<size_t>(spec.states[s].group)].kind != GroupKind::kNet) continue;
      // A bias before batch norm has gradient 0; AdamW divides what rounding leaves of it by its own size.
      if (run.adamw && GetParam().net == "mlp_bn" && spec.states[s].name.starts_with("fc") &&
          spec.states[s].name.ends_with(".bias"))
        continue;
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

std::vector<OneStepCase> oneStepCases() {
  std::vector<OneStepCase> cases;
  for (const char* net : {"mlp", "mlp_bn"})
    for (const char* method : {"erm", "weighted_smoothing", "sam", "asam_nesterov", "sam_a", "ema", "adamw"})
      cases.push_back({net, method});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, OneStep, testing::ValuesIn(oneStepCases()),
                         [](const auto& info) { return name_of(info.param); });

} // namespace
} // namespace tailor::backends
