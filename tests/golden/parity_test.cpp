/// 20 free-running training steps on the reference against the same steps of PyTorch, both in f64: losses and
/// every recorded parameter, running statistic and average at relative 1e-8. The programs are written with
/// the public C++ API, traced, and run at every phase of the pipeline.
#include "tests/golden/free_run.h"
#include "tests/golden/recorded_program.h"

#include "backend/reference/Interpreter.h"
#include "frontend/emit/emit.h"
#include "ir/Tailor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Pipelines.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tailor::golden {
namespace {

using backend::reference::Environment;
using backend::reference::Interpreter;
using passes::Phase;

struct ParityCase {
  std::string net, method;
  Phase phase;
};

std::string name_of(const ParityCase& c) {
  return c.net + "_" + c.method + "_" + passes::stringifyPhase(c.phase).str();
}
void PrintTo(const ParityCase& c, std::ostream* out) {
  *out << name_of(c);
}

class Parity : public testing::TestWithParam<ParityCase> {};

TEST_P(Parity, TwentyStepsOfPyTorch) {
  const auto& [net, method, phase] = GetParam();
  const Recording recording = Recording::load(net);
  ASSERT_TRUE(recording.runs.contains(method));
  const golden::Run& run = recording.runs.at(method);

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  const RecordedProgram recorded(net, recording, run);
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(recorded.program(), context);
  ASSERT_TRUE(module);
  passes::PipelineOptions pipeline;
  pipeline.stopAfter = phase;
  ASSERT_TRUE(succeeded(passes::runPipeline(*module, pipeline)));

  ir::ProgramOp program = *module->getOps<ir::ProgramOp>().begin();
  Environment environment = initial_environment(program, recording.parameters, recording.class_counts);
  environment.control.insert_or_assign("momentum", Tensor::scalar(0.9));
  environment.control.insert_or_assign("weight_decay", Tensor::scalar(run.adamw ? 0.05 : 2e-4));
  environment.control.insert_or_assign("rho", Tensor::scalar(run.rho));
  environment.control.insert_or_assign("beta1", Tensor::scalar(0.9));
  environment.control.insert_or_assign("beta2", Tensor::scalar(0.999));
  environment.control.insert_or_assign("adam_eps", Tensor::scalar(recording.adam_eps));
  environment.control.insert_or_assign("rng", Tensor::integer({4}, {1, 2, 3, 4}));

  Interpreter interpreter(program);
  ir::EntryOp train;
  for (ir::EntryOp entry : program.getOps<ir::EntryOp>()) {
    if (entry.getKind() == ir::EntryKind::Fit) ASSERT_TRUE(succeeded(interpreter.run(entry, environment)));
    if (entry.getKind() == ir::EntryKind::Step) train = entry;
  }
  ASSERT_TRUE(train);
  for (size_t t = 0; t < run.loss.size(); ++t) {
    const int64_t step = static_cast<int64_t>(t), valid = run.valid[t];
    environment.control.insert_or_assign("lr", Tensor::scalar(run.lr[t]));
    environment.control.insert_or_assign("valid", Tensor::integer({}, {valid}));
    environment.control.insert_or_assign("step", Tensor::integer({}, {step}));
    if (run.ema) environment.control.insert_or_assign("ema_decay", Tensor::scalar(run.ema_decay[t]));
    environment.inputs.insert_or_assign(recording.input.size() == 1 ? "numeric" : "image",
                                        recording.inputs(step, valid));
    environment.inputs.insert_or_assign("label", recording.batch_labels(step, valid));
    environment.inputs.insert_or_assign("index", Tensor(Element::i32, {recording.batch}));
    ASSERT_TRUE(succeeded(interpreter.run(train, environment))) << "step " << t;
    expect_close(environment.reports.at("loss").reals()[0], run.loss[t], 0,
                 "loss of step " + std::to_string(t));
    if (!run.ascent.empty())
      expect_close(environment.reports.at("ascent_loss").reals()[0], run.ascent_loss[t], 0,
                   "ascent loss of step " + std::to_string(t));
    ASSERT_FALSE(HasFailure()) << "the first wrong step";
  }
  compare_final(program, environment, run.final);
}

/// All recorded methods at the first interpretable phase; the networks that read rows of a table, which are small, at every
/// later one too.
std::vector<ParityCase> parity_cases() {
  std::vector<ParityCase> cases;
  for (const auto& [net, make] : recorded_networks()) {
    const Recording recording = Recording::load(net);
    const bool small = recording.input.size() == 1;
    for (const auto& [method, run] : recording.runs)
      for (Phase phase : passes::allPhases()) {
        const bool later = phase != Phase::differentiated;
        if (phase == Phase::traced || (later && !small)) continue;
        cases.push_back({net, method, phase});
      }
  }
  return cases;
}

TEST(Recordings, NetworksAreThere) {
  for (const char* net : {"mlp", "mlp_bn"}) {
    ASSERT_TRUE(recorded_networks().contains(net));
    EXPECT_EQ(Recording::load(net).runs.size(), 7u) << net;
  }
  for (const auto& [net, make] : recorded_networks())
    EXPECT_TRUE(Recording::load(net).runs.contains("erm")) << net;
}

INSTANTIATE_TEST_SUITE_P(Recordings, Parity, testing::ValuesIn(parity_cases()),
                         [](const auto& info) { return name_of(info.param); });

} // namespace
} // namespace tailor::golden
