/// 20 free-running steps per imbalance method on the reference against PyTorch, both in f64, at relative 1e-8: the losses
/// of methods.md 2 with their class tables, deferred ones and mixed labels, written with the public C++ API.
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
  const MethodStage& method = run.stages[0];

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  const MethodProgram written(recording, method);
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(written.program().trace(), context);
  ASSERT_TRUE(module);
  passes::PipelineOptions pipeline;
  pipeline.stopAfter = phase;
  ASSERT_TRUE(succeeded(passes::runPipeline(*module, pipeline)));

  ir::ProgramOp program = *module->getOps<ir::ProgramOp>().begin();
  Environment environment = initial_environment(program, run.parameters, recording.class_counts);

  for (const auto& [field, value] : step_inputs(recording, method, 0).control)
    environment.control.insert_or_assign(field, value);

  Interpreter interpreter(program);
  ir::EntryOp train;
  for (ir::EntryOp entry : program.getOps<ir::EntryOp>()) {
    if (entry.getKind() == ir::EntryKind::Fit) ASSERT_TRUE(succeeded(interpreter.run(entry, environment)));
    if (entry.getKind() == ir::EntryKind::Step) train = entry;
  }
  ASSERT_TRUE(train);
  ASSERT_EQ(run.loss.size(), 20u);
  for (size_t t = 0; t < run.loss.size(); ++t) {
    const StepInputs inputs = step_inputs(recording, method, t);
    for (const auto& [field, value] : inputs.control)
      environment.control.insert_or_assign(field, value);
    for (const auto& [field, value] : inputs.batch)
      environment.inputs.insert_or_assign(field, value);
    ASSERT_TRUE(succeeded(interpreter.run(train, environment))) << "step " << t;
    const std::string at = " of step " + std::to_string(t);
    expect_close(environment.reports.at("loss").reals()[0], run.loss[t], 0, "loss" + at);
    const auto [norm, sum] = norm_and_sum(program, environment);
    expect_close(norm, run.norm[t], 0, "norm" + at);
    expect_close(sum, run.sum[t], run.norm[t], "sum" + at);
    ASSERT_FALSE(HasFailure()) << "the first wrong step";
  }
  compare_final(program, environment, run.final);
}

/// Every run that a program can be written for, as it is first interpretable, fused and planned.
std::vector<MethodCase> method_cases() {
  std::vector<MethodCase> cases;
  for (const auto& [file, run] : written_runs())
    for (Phase phase : {Phase::differentiated, Phase::fused, Phase::planned})
      cases.push_back({file, run, phase});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, MethodParity, testing::ValuesIn(method_cases()),
                         [](const auto& info) { return name_of(info.param); });

/// So that nobody takes what waits for what is compared.
TEST(MethodParityCases, CoverTheLosses) {
  EXPECT_EQ(method_cases().size(), 3u * (16 + 15));
}

} // namespace
} // namespace tailor::golden
