/// Every case of every differentiable op, differentiated twice by the pass, against central differences of the first
/// derivative in f64.
///
/// With L(x) = sum_i <c_i, result_i(x)> and directions d, the derivative of <d, grad L> must equal the difference of
/// <d, grad L> at x + h and x - h. The two come from different programs: where the gradient is not differentiated again,
/// losses and norms keep their gradient ops.
#include "passes/Passes.h"
#include "tests/conformance/test_program.h"

#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace tailor::conformance {
namespace {

// As in gradient_test.cpp; one derivative more costs an order of magnitude.
constexpr double kStep = 1e-5, kTolerance = 1e-5;

/// What has a kink wherever two elements change places, so that no second derivative is worth having. The gradient is
/// there, its derivative is refused.
const std::set<std::string> kRefused{"tailor.max_pool2d"};

/// Cases that stand on a kink of the first derivative, where a difference means nothing.
const std::set<std::string> kKinks{"global_norm/zero"};

mlir::Operation* opOf(ir::BodyOp body) {
  return &*std::prev(body.getBlock().end(), 2);
}

/// The text of "@once" (L) and of a body that differentiates it, "@first" or "@second".
class Text {
public:
  Text(const OpCase& opCase, const std::vector<size_t>& wrt) : case_(opCase), wrt_(wrt) {
    for (const Argument& argument : opCase.arguments)
      declare(argument.name, argument.type);
    const size_t results = opCase.numDifferentiable < 0 ? opCase.results.size() : opCase.numDifferentiable;
    for (size_t i = 0; i < results; ++i)
      declare("cot" + std::to_string(i), opCase.results[i]);
    std::string program = programText(opCase); // of which the lines between the head of @f and its return
    const size_t head = program.find("{\n", program.find("@f(")) + 2;
    std::string body = program.substr(head, program.find("tailor.return") - head), total;
    for (size_t i = 0; i < results; ++i) {
      const std::string result = opCase.results.size() == 1 ? "%r" : "%r#" + std::to_string(i);
      body += inner(result, "%cot" + std::to_string(i), opCase.results[i], total);
    }
    text_ = function("once", "tensor<f64>", body + returned(total));
  }

  /// @first gives <d, grad L>; @second that and its derivative.
  std::string program(bool twice) {
    std::string text = text_, body = call("once", names_, types_, "%l, "), total;
    std::string names = names_, types = types_, declared = declared_;
    for (size_t i : wrt_)
      declare("dir" + std::to_string(i), case_.arguments[i].type);
    for (size_t i : wrt_)
      body += inner("%g" + std::to_string(i), "%dir" + std::to_string(i), case_.arguments[i].type, total);
    text += function("first", "tensor<f64>", body + returned(total));
    if (twice)
      text += function("second", "tensor<f64>" + gradientTypes(),
                       call("first", names_, types_, "%l, ") + "tailor.return %l" + gradientNames() +
                           " : tensor<f64>" + gradientTypes() + "\n");
    names_ = names, types_ = types, declared_ = declared;
    return "tailor.program @p {\n" + text + "}\n";
  }

private:
  void declare(const std::string& name, const std::string& type) {
    const std::string comma = names_.empty() ? "" : ", ";
    names_ += comma + "%" + name;
    types_ += comma + tensorType(type);
    declared_ += comma + "%" + name + ": " + tensorType(type);
  }
  std::string function(const std::string& name, const std::string& results, const std::string& body) const {
    return "tailor.body @" + name + "(" + declared_ + ") -> (" + results + ") {\n" + body + "}\n";
  }
  std::string gradientNames() const {
    std::string names;
    for (size_t i : wrt_)
      names += ", %g" + std::to_string(i);
    return names;
  }
  std::string gradientTypes() const {
    std::string types;
    for (size_t i : wrt_)
      types += ", " + tensorType(case_.arguments[i].type);
    return types;
  }
  std::string call(const std::string& body, const std::string& names, const std::string& types,
                   const std::string& value) const {
    std::string positions;
    for (size_t i : wrt_)
      positions += (positions.empty() ? "" : ", ") + std::to_string(i);
    return value.substr(0, value.size() - 2) + gradientNames() + " = tailor.value_and_grad @" + body + "(" +
           names + ") wrt([" + positions + "]) : (" + types + ") -> (tensor<f64>" + gradientTypes() + ")\n";
  }
  /// Adds <a, b> to `total`.
  std::string inner(const std::string& a, const std::string& b, const std::string& type, std::string& total) {
    const std::string n = std::to_string(next_++), product = "%p" + n, sum = "%s" + n,
                      full = tensorType(type);
    std::string dims;
    const auto rank = std::count(type.begin(), type.end(), 'x');
    for (long i = 0; i < rank; ++i)
      dims += (dims.empty() ? "" : ", ") + std::to_string(i);
    std::string text = product + " = tailor.mul " + a + ", " + b + " : " + full + "\n" + sum +
                       " = tailor.reduce_sum " + product + " dims([" + dims + "]) : " + full +
                       " to tensor<f64>\n";
    if (total.empty()) {
      total = sum;
      return text;
    }
    const std::string next = "%t" + n;
    text += next + " = tailor.add " + total + ", " + sum + " : tensor<f64>\n";
    total = next;
    return text;
  }
  static std::string returned(const std::string& value) {
    return "tailor.return " + value + " : tensor<f64>\n";
  }

  const OpCase& case_;
  const std::vector<size_t>& wrt_;
  std::string names_, types_, declared_, text_;
  int next_ = 0;
};

bool differentiate(TestProgram& program) {
  mlir::PassManager passes(program.module().getContext());
  passes.addPass(tailor::passes::createDifferentiatePass());
  return succeeded(passes.run(program.module()));
}

class SecondDerivative : public testing::TestWithParam<OpCase> {};

TEST_P(SecondDerivative, EqualsDifferencesOfTheFirst) {
  const OpCase& opCase = GetParam();
  if (kKinks.contains(opCase.name)) GTEST_SKIP() << "the first derivative has a kink here";
  TestProgram whole(programText(opCase));
  ASSERT_TRUE(whole.ok()) << whole.messages();
  mlir::Operation* op = opOf(whole.body("f"));
  auto rule = llvm::dyn_cast<ir::DifferentiableOpInterface>(op);
  if (!rule) GTEST_SKIP() << "the case ends in an op without a derivative";
  std::vector<size_t> wrt;
  for (size_t a = 0; a < opCase.arguments.size(); ++a)
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      if (op->getOperand(i) == whole.body("f").getBlock().getArgument(a) && rule.hasOperandGradient(i)) {
        wrt.push_back(a);
        break;
      }
  const size_t results = opCase.numDifferentiable < 0 ? opCase.results.size() : opCase.numDifferentiable;
  for (size_t i = 0; i < results; ++i)
    if (!opCase.results[i].ends_with("f64")) GTEST_SKIP() << "differences need f64";
  for (size_t a : wrt)
    if (!opCase.arguments[a].type.ends_with("f64")) GTEST_SKIP() << "differences need f64";
  if (wrt.empty()) GTEST_SKIP() << "no argument of the case itself has a gradient";

  Text text(opCase, wrt);
  TestProgram once(text.program(false)), twice(text.program(true));
  ASSERT_TRUE(once.ok()) << once.messages();
  ASSERT_TRUE(twice.ok()) << twice.messages();
  ASSERT_TRUE(differentiate(once)) << once.messages();
  if (kRefused.contains(op->getName().getStringRef().str())) {
    EXPECT_FALSE(differentiate(twice));
    EXPECT_NE(twice.messages().find("has no derivative"), std::string::npos) << twice.messages();
    return;
  }
  ASSERT_TRUE(differentiate(twice)) << twice.messages();

  // Arguments, cotangents, directions: drawn like arguments of the case.
  OpCase drawn = opCase;
  for (size_t i = 0; i < results; ++i)
    drawn.arguments.push_back({"cot" + std::to_string(i), opCase.results[i]});
  for (size_t a : wrt)
    drawn.arguments.push_back({"dir" + std::to_string(a), opCase.arguments[a].type});
  std::vector<Tensor> arguments = drawArguments(drawn);
  const std::vector<Tensor> second = twice.call("second", arguments);
  ASSERT_EQ(second.size(), 1 + wrt.size()) << twice.messages();
  const double value = once.call("first", arguments).at(0).reals()[0];
  EXPECT_NEAR(second[0].reals()[0], value, 1e-12 * std::max(1.0, std::abs(value))) << "the gradient itself";
  for (size_t i = 0; i < wrt.size(); ++i)
    for (int64_t j = 0; j < arguments[wrt[i]].size(); ++j) {
      double& x = arguments[wrt[i]].reals()[j];
      const double at = x;
      x = at + kStep;
      const double above = once.call("first", arguments).at(0).reals()[0];
      x = at - kStep;
      const double below = once.call("first", arguments).at(0).reals()[0];
      x = at;
      const double expected = (above - below) / (2 * kStep);
      EXPECT_NEAR(second[1 + i].reals()[j], expected, kTolerance * std::max(1.0, std::abs(expected)))
          << "argument " << opCase.arguments[wrt[i]].name << " element " << j;
    }
}

std::string testName(const testing::TestParamInfo<OpCase>& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Ops, SecondDerivative, testing::ValuesIn(allCases()), testName);

} // namespace
} // namespace tailor::conformance
