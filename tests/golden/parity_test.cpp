/// 20 free-running training steps on the reference against the same steps of PyTorch, both in f64: losses and
/// every recorded parameter, running statistic and average at relative 1e-8. The programs are written with
/// the public C++ API, traced, and run at every phase of the pipeline.
#include "tests/golden/recorded_program.h"

#include "backend/reference/Evaluators.h"
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
using backend::reference::stateKey;
using passes::Phase;

// Two f64 programs that differ in the order of sums agree to 1e-12 after 20 SAM steps (measured on PyTorch
// with itself).
constexpr double kTolerance = 1e-8;

/// Gives every state its initial value: parameters from the recording, class counts, and the program's own
/// init rules.
Environment initial_environment(ir::ProgramOp program, const Recording& recording) {
  Environment environment;
  program.walk([&](ir::StateOp state) {
    const std::string key = stateKey(state.getGroup().getSymName(), state.getSymName());
    Tensor value = backend::reference::zerosOf(state.getTensorType());
    const ir::InitAttr init = state.getInit();
    switch (init.getRule()) {
    case ir::InitRule::Zeros:
      break;
    case ir::InitRule::Ones:
      value = Tensor::filled(value.element(), value.shape(), 1);
      break;
    case ir::InitRule::CopyOf: // what it copies is declared earlier
      value = environment.state.at(stateKey(init.getSource().getRootReference().getValue(),
                                            init.getSource().getLeafReference().getValue()));
      break;
    default:
      break;
    }
    if (state.getGroup().getKind() == ir::GroupKind::Net) {
      const Tensor& drawn = recording.parameters.at(state.getSymName().str());
      EXPECT_EQ(drawn.shape(), value.shape()) << state.getSymName().str();
      value = drawn;
    }
    if (state.getSymName() == "class_counts") value = Tensor::real(value.shape(), recording.class_counts);
    environment.state.insert_or_assign(key, std::move(value));
  });
  return environment;
}

void expect_close(double actual, double expected, double scale, const std::string& what) {
  EXPECT_NEAR(actual, expected, kTolerance * std::max(std::abs(expected), scale)) << what;
}

/// Every recorded tensor against the state that holds it: parameters and running statistics by name, averages
/// as "ema.".
void compare_final(ir::ProgramOp program, const Environment& environment, const Run& run) {
  size_t compared = 0;
  program.walk([&](ir::StateOp state) {
    const bool is_average = state.getInit().getRule() == ir::InitRule::CopyOf;
    const ir::GroupKind kind = state.getGroup().getKind();
    if (!is_average && kind != ir::GroupKind::Net && kind != ir::GroupKind::BatchNorm) return;
    const std::string name = (is_average ? "ema." : "") + state.getSymName().str();
    const auto recorded = run.final.find(name);
    ASSERT_NE(recorded, run.final.end()) << name << " is not recorded";
    ++compared;
    const Tensor& value = environment.state.at(stateKey(state.getGroup().getSymName(), state.getSymName()));
    double norm = 0, sum = 0;
    for (double x : value.reals()) {
      norm += x * x;
      sum += x;
    }
    // Single elements near zero are held to a hundredth of the tensor's root mean square.
    const double scale = recorded->second.norm / std::sqrt(static_cast<double>(value.size()));
    expect_close(std::sqrt(norm), recorded->second.norm, 0, name + " norm");
    expect_close(sum, recorded->second.sum, recorded->second.norm, name + " sum");
    for (size_t i = 0; i < recorded->second.places.size(); ++i)
      expect_close(value.reals()[recorded->second.places[i]], recorded->second.values[i], scale / 100,
                   name + " element " + std::to_string(recorded->second.places[i]));
  });
  EXPECT_EQ(compared, run.final.size()) << "recorded tensors that no state holds";
}

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
  Environment environment = initial_environment(program, recording);
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
  compare_final(program, environment, run);
}

/// All methods at the first interpretable phase; the small networks at every later one too.
std::vector<ParityCase> parity_cases() {
  std::vector<ParityCase> cases;
  for (const char* net : {"mlp", "mlp_bn", "resnet8"})
    for (const char* method : {"erm", "weighted_smoothing", "sam", "asam_nesterov", "sam_a", "ema", "adamw"})
      for (Phase phase : passes::allPhases()) {
        const bool later = phase != Phase::differentiated;
        if (phase == Phase::traced || (later && std::string(net) == "resnet8")) continue;
        cases.push_back({net, method, phase});
      }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Recordings, Parity, testing::ValuesIn(parity_cases()),
                         [](const auto& info) { return name_of(info.param); });

} // namespace
} // namespace tailor::golden
