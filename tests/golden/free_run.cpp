#include "tests/golden/free_run.h"

#include "backend/reference/Evaluators.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tailor::golden {

using backend::reference::stateKey;

Environment initial_environment(ir::ProgramOp program, const std::map<std::string, Tensor>& parameters,
                                const std::vector<double>& class_counts) {
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
      const Tensor& drawn = parameters.at(state.getSymName().str());
      EXPECT_EQ(drawn.shape(), value.shape()) << state.getSymName().str();
      value = drawn;
    } else if (const auto kept = parameters.find(state.getSymName().str());
               state.getGroup().getKind() == ir::GroupKind::BatchNorm && kept != parameters.end()) {
      value = kept->second; // running statistics of a stage before
    }
    if (state.getSymName() == "class_counts") value = Tensor::real(value.shape(), class_counts);
    environment.state.insert_or_assign(key, std::move(value));
  });
  return environment;
}

void expect_close(double actual, double expected, double scale, const std::string& what) {
  EXPECT_NEAR(actual, expected, kTolerance * std::max(std::abs(expected), scale)) << what;
}

void compare_final(ir::ProgramOp program, const Environment& environment,
                   const std::map<std::string, FinalTensor>& final) {
  size_t compared = 0;
  program.walk([&](ir::StateOp state) {
    const bool is_average = state.getInit().getRule() == ir::InitRule::CopyOf;
    const ir::GroupKind kind = state.getGroup().getKind();
    if (!is_average && kind != ir::GroupKind::Net && kind != ir::GroupKind::BatchNorm) return;
    const std::string name = (is_average ? "ema." : "") + state.getSymName().str();
    const auto recorded = final.find(name);
    ASSERT_NE(recorded, final.end()) << name << " is not recorded";
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
  EXPECT_EQ(compared, final.size()) << "recorded tensors that no state holds";
}

} // namespace tailor::golden
