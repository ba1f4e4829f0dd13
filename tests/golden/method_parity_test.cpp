/// 20 free-running steps per imbalance method on the reference against PyTorch, both in f64, at relative 1e-8: the losses
/// of methods.md 2 with their class tables, deferred ones and mixed labels, and the second stages of cRT and MiSLAS (8),
/// written with the public C++ API.
///
/// Rows, partners and shares are the recording's. MixUp's inputs are mixed before the step (method_program.h).
#include "frontend/emit/emit.h"
#include "passes/Pipelines.h"
#include "tests/golden/free_run.h"
#include "tests/golden/method_program.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tailor::golden {
namespace {

using backend::reference::Interpreter;
using passes::Phase;

/// Norm and sum over all parameters together.
std::pair<double, double> norm_and_sum(ir::ProgramOp program, const Environment& environment) {
  double squares = 0, sum = 0;
  program.walk([&](ir::StateOp state) {
    if (state.getGroup().getKind() != ir::GroupKind::Net) return;
    for (double x :
         environment.state.at(backend::reference::stateKey(state.getGroup().getSymName(), state.getSymName()))
             .reals()) {
      squares += x * x;
      sum += x;
    }
  });
  return {std::sqrt(squares), sum};
}

/// Parameters and running statistics by name.
std::map<std::string, Tensor> tensors_of(ir::ProgramOp program, const Environment& environment) {
  std::map<std::string, Tensor> tensors;
  program.walk([&](ir::StateOp state) {
    const ir::GroupKind kind = state.getGroup().getKind();
    if (kind == ir::GroupKind::Net || kind == ir::GroupKind::BatchNorm)
      tensors.insert_or_assign(state.getSymName().str(),
                               environment.state.at(backend::reference::stateKey(
                                   state.getGroup().getSymName(), state.getSymName())));
  });
  return tensors;
}

struct MethodCase {
  std::string file, run;
  Phase phase;
};

std::string name_of(const MethodCase& c) {
  return c.run + "_" + passes::stringifyPhase(c.phase).str();
}
void PrintTo(const MethodCase& c, std::ostream* out) {
  *out << name_of(c);
}

class MethodParity : public testing::TestWithParam<MethodCase> {};

TEST_P(MethodParity, TwentyStepsOfPyTorch) {
  const auto& [file, name, phase] = GetParam();
  const MethodRecording recording = MethodRecording::load(file);
  ASSERT_TRUE(recording.runs.contains(name));
  const MethodRun& run = recording.runs.at(name);
  ASSERT_EQ(run.loss.size(), 20u);
  std::map<std::string, Tensor> tensors = run.parameters; // with running statistics, once there are some
  size_t done = 0;
  for (size_t stage = 0; stage < run.stages.size(); ++stage) {
    const MethodStage& method = run.stages[stage];
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    context.loadDialect<ir::TailorDialect>();
    const MethodProgram written(recording, run, stage);
    mlir::OwningOpRef<mlir::ModuleOp> module = emit(written.program().trace(), context);
    ASSERT_TRUE(module);
    passes::PipelineOptions pipeline;
    pipeline.stopAfter = phase;
    ASSERT_TRUE(succeeded(passes::runPipeline(*module, pipeline)));

    ir::ProgramOp program = *module->getOps<ir::ProgramOp>().begin();
    // Of a later stage: what the one before left, with new momenta.
    for (const std::string& name : method.names("reinitialise"))
      tensors.insert_or_assign(name, run.anew.at(name));
    Environment environment = initial_environment(program, tensors, recording.class_counts);
    for (const auto& [field, value] : step_inputs(recording, method, 0).control)
      environment.control.insert_or_assign(field, value);

    Interpreter interpreter(program);
    ir::EntryOp train;
    for (ir::EntryOp entry : program.getOps<ir::EntryOp>()) {
      if (entry.getKind() == ir::EntryKind::Fit) ASSERT_TRUE(succeeded(interpreter.run(entry, environment)));
      if (entry.getKind() == ir::EntryKind::Step) train = entry;
    }
    ASSERT_TRUE(train);
    for (size_t t = 0; t < method.lr.size(); ++t, ++done) {
      const StepInputs inputs = step_inputs(recording, method, t);
      for (const auto& [field, value] : inputs.control)
        environment.control.insert_or_assign(field, value);
      for (const auto& [field, value] : inputs.batch)
        environment.inputs.insert_or_assign(field, value);
      ASSERT_TRUE(succeeded(interpreter.run(train, environment))) << "step " << done;
      const std::string at = " of step " + std::to_string(done);
      expect_close(environment.reports.at("loss").reals()[0], run.loss[done], 0, "loss" + at);
      const auto [norm, sum] = norm_and_sum(program, environment);
      expect_close(norm, run.norm[done], 0, "norm" + at);
      expect_close(sum, run.sum[done], run.norm[done], "sum" + at);
      ASSERT_FALSE(HasFailure()) << "the first wrong step";
    }
    if (stage + 1 == run.stages.size()) compare_final(program, environment, run.final);
    tensors = tensors_of(program, environment);
  }
  EXPECT_EQ(done, run.loss.size());
}

/// Every run, as it is first interpretable, fused and planned.
std::vector<MethodCase> method_cases() {
  std::vector<MethodCase> cases;
  for (const auto& [file, run] : recorded_runs())
    for (Phase phase : {Phase::differentiated, Phase::fused, Phase::planned})
      cases.push_back({file, run, phase});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, MethodParity, testing::ValuesIn(method_cases()),
                         [](const auto& info) { return name_of(info.param); });

/// So that a recording that is not read is not taken for one that agrees.
TEST(MethodParityCases, CoverEveryRecording) {
  EXPECT_EQ(method_cases().size(), 3u * (17 + 15 + 4));
}

} // namespace
} // namespace tailor::golden
