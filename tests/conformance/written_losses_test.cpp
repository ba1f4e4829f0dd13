#include "tests/conformance/written_losses.h"

#include "tests/conformance/test_program.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <gtest/gtest.h>

namespace tailor::conformance {
namespace {

constexpr double kTolerance = 1e-12; ///< relative to the largest element: order of additions, log and exp

const std::vector<Argument>& arguments() {
  static const std::vector<Argument> list{{"z", "8x4xf64"},
                                          {"y", "8xi32", Draw::unit, {0, 3, 1, 2, 2, 0, 3, 1}},
                                          {"y2", "8xi32", Draw::unit, {1, 3, 0, 2, 3, 1, 0, 2}},
                                          {"lam", "8xf64", Draw::unit},
                                          {"w", "4xf64", Draw::positive},
                                          {"e", "4xf64", Draw::unit},
                                          {"m", "4xf64", Draw::unit},
                                          {"b", "4xf64"},
                                          {"c", "8xf64"},
                                          {"t", "f64", Draw::unit},
                                          {"w5", "5xf64", Draw::positive},
                                          {"v", "i32", Draw::unit, {5}},
                                          {"v2", "i32", Draw::unit, {3}},
                                          {"q", "8x4xf64", Draw::unit}};
  return list;
}

/// The program: @f, and an entry that asks for its gradient.
std::string programOf(const Form& form) {
  std::string declared, types, given, entry;
  for (const Argument& argument : arguments()) {
    declared += (declared.empty() ? "%" : ", %") + argument.name + ": " + tensorType(argument.type);
    types += (types.empty() ? "" : ", ") + tensorType(argument.type);
    given += (given.empty() ? "%" : ", %") + argument.name;
    entry += "    %" + argument.name + " = tailor.constant dense<" +
             (argument.type.find('f') == std::string::npos ? "1" : "1.0") +
             "> : " + tensorType(argument.type) + "\n";
  }
  Writer writer;
  std::string result = form.write(writer, "%z");
  if (!form.isScalar) result = writer.sum(writer.rows("mul", result, "%c"));
  std::string wrt, gradients;
  for (int64_t index : form.wrt) {
    wrt += (wrt.empty() ? "" : ", ") + std::to_string(index);
    gradients += ", " + tensorType(arguments()[index].type);
  }
  return "tailor.program @p {\n" + form.otherBody + "  tailor.body @f(" + declared + ") -> tensor<f64> {\n" +
         writer.text + "    tailor.return " + result +
         " : tensor<f64>\n  }\n  tailor.entry @s kind(step) batch(8) {\n" + entry +
         "    %g:" + std::to_string(1 + form.wrt.size()) + " = tailor.value_and_grad @f(" + given +
         ") wrt([" + wrt + "]) : (" + types + ") -> (tensor<f64>" + gradients +
         ")\n    tailor.report \"g\", %g#0 : tensor<f64>\n" + "  }\n}\n";
}

/// Loss and gradients of the form, and what @f became.
struct Outcome {
  std::vector<std::vector<Tensor>> results; ///< one per number of valid rows
  std::string losses, leftovers;
};

Outcome run(const Form& form, bool fuse) {
  Outcome outcome;
  TestProgram program(programOf(form));
  if (!program.ok()) {
    ADD_FAILURE() << program.messages();
    return outcome;
  }
  mlir::PassManager passes(program.module()->getContext());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(passes::createMergeEqualOpsPass());
  if (fuse) passes.addPass(passes::createFuseClassWeightsPass());
  if (failed(passes.run(program.module()))) {
    ADD_FAILURE() << program.messages();
    return outcome;
  }
  llvm::raw_string_ostream losses(outcome.losses), leftovers(outcome.leftovers);
  program.body("f").walk([&](mlir::Operation* op) {
    if (llvm::isa<ir::SoftmaxCrossEntropyOp>(op)) losses << *op << "\n";
    if (llvm::isa<ir::TakeAlongOp, ir::LogSumExpOp, ir::SoftmaxOp, ir::LogSoftmaxOp, ir::ExpOp, ir::OneHotOp>(
            op))
      leftovers << *op << "\n";
  });
  mlir::PassManager differentiate(program.module()->getContext());
  differentiate.addPass(passes::createDifferentiatePass());
  if (failed(differentiate.run(program.module()))) {
    ADD_FAILURE() << program.messages();
    return outcome;
  }
  std::string vjp;
  program.entry("s").walk([&](ir::CallOp call) { vjp = call.getCallee().str(); });
  for (int64_t valid : {5, 8}) {
    std::vector<Argument> values = arguments();
    for (Argument& argument : values)
      if (argument.name == "v") argument.integers = {valid};
    outcome.results.push_back(program.call(vjp, drawArguments({"written", values, "", {}})));
    EXPECT_FALSE(outcome.results.back().empty()) << program.messages();
  }
  return outcome;
}

void expectEqual(const Outcome& plain, const Outcome& fused) {
  ASSERT_EQ(plain.results.size(), fused.results.size());
  for (size_t run = 0; run < plain.results.size(); ++run) {
    ASSERT_EQ(plain.results[run].size(), fused.results[run].size());
    for (size_t i = 0; i < plain.results[run].size(); ++i) {
      double largest = 1;
      for (double value : plain.results[run][i].reals())
        largest = std::max(largest, std::abs(value));
      for (int64_t j = 0; j < plain.results[run][i].size(); ++j)
        EXPECT_NEAR(plain.results[run][i].reals()[j], fused.results[run][i].reals()[j], kTolerance * largest)
            << (i == 0 ? "loss" : "gradient ") << (i == 0 ? "" : std::to_string(i - 1)) << " element " << j
            << ", " << (run == 0 ? "5" : "8") << " valid rows\n"
            << fused.losses;
    }
  }
}

class WrittenLoss : public testing::TestWithParam<Form> {};

TEST_P(WrittenLoss, IsTheSameWithThePassOnAndOff) {
  const Form& form = GetParam();
  const Outcome plain = run(form, false), fused = run(form, true);
  expectEqual(plain, fused);
  if (!form.stays.empty()) {
    EXPECT_EQ(fused.losses.find(form.stays), std::string::npos) << fused.losses;
    return;
  }
  EXPECT_EQ(fused.leftovers, "") << fused.losses;
  EXPECT_EQ(std::count(fused.losses.begin(), fused.losses.end(), '\n'), 1) << fused.losses;
  for (const char* word :
       {"mix(", "weights(", "smoothing(", "margin(", "bias(", "valid(", "focal(", "of_weighted", "scale("}) {
    const bool expected = std::find(form.options.begin(), form.options.end(), word) != form.options.end();
    EXPECT_EQ(fused.losses.find(word) != std::string::npos, expected) << word << " in " << fused.losses;
  }
}

std::string testName(const testing::TestParamInfo<Form>& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(AsUsersWriteThem, WrittenLoss, testing::ValuesIn(writtenForms()), testName);
INSTANTIATE_TEST_SUITE_P(OneClauseBroken, WrittenLoss, testing::ValuesIn(brokenForms()), testName);

} // namespace
} // namespace tailor::conformance
