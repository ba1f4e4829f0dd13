/// Every differentiable op of the dialect against central differences in f64.
///
/// A case's op is cloned into a body whose further arguments are cotangents c; its buildVjp fills the rest.
/// The result must equal the derivative of L(x) = sum_i <c_i, result_i(x)> element by element.
#include "tests/conformance/test_program.h"

#include "backend/reference/Evaluators.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace tailor::conformance {
namespace {

using backend::reference::isReal;

// Truncation of a central difference is h^2 f''' / 6 = 2e-11, its rounding 1e-16 / h = 1e-11, both relative
// to values of order one; an order of magnitude in f''' and the condition of the ops is left.
constexpr double kStep = 1e-5, kTolerance = 1e-6;

mlir::Operation* opOf(ir::BodyOp body) {
  return &*std::prev(body.getBlock().end(), 2);
}

/// Results that carry a cotangent.
size_t numCotangents(const OpCase& opCase) {
  return opCase.numDifferentiable < 0 ? opCase.results.size() : opCase.numDifferentiable;
}

struct Vjp {
  std::vector<bool> flows;               ///< per operand of the op: asked for
  std::vector<std::optional<int>> place; ///< per operand: place in the results of @vjp; none = zero
};

/// Adds @vjp(arguments of @f..., cotangents...) -> (non-zero operand cotangents...).
bool addVjpBody(TestProgram& program, const OpCase& opCase, Vjp& vjp) {
  ir::BodyOp body = program.body("f");
  mlir::Operation* op = opOf(body);
  mlir::OpBuilder builder = mlir::OpBuilder::atBlockEnd(&program.program().getBody().front());
  llvm::SmallVector<mlir::Type> inputs(body.getArgumentTypes());
  for (size_t i = 0; i < numCotangents(opCase); ++i)
    inputs.push_back(op->getResult(i).getType());
  auto derivative = ir::BodyOp::create(builder, op->getLoc(), "vjp", builder.getFunctionType(inputs, {}));

  builder.setInsertionPointToEnd(&derivative.getBlock());
  mlir::IRMapping mapping;
  for (auto [from, to] : llvm::zip(body.getBlock().getArguments(), derivative.getBlock().getArguments()))
    mapping.map(from, to);
  mlir::Operation* clone = builder.clone(*op, mapping);
  llvm::SmallVector<mlir::Value> cotangents(op->getNumResults(), mlir::Value());
  const auto arguments = derivative.getBlock().getArguments();
  for (size_t i = 0; i < numCotangents(opCase); ++i)
    cotangents[i] = arguments[body.getArgumentTypes().size() + i];

  auto rule = llvm::cast<ir::DifferentiableOpInterface>(clone);
  llvm::SmallVector<bool> needed;
  for (unsigned i = 0; i < clone->getNumOperands(); ++i)
    needed.push_back(rule.hasOperandGradient(i));
  vjp.flows.assign(needed.begin(), needed.end());
  llvm::SmallVector<mlir::Value> operandCotangents;
  if (failed(rule.buildVjp(builder, cotangents, needed, operandCotangents))) return false;
  if (operandCotangents.size() != clone->getNumOperands()) return false;

  llvm::SmallVector<mlir::Value> returned;
  for (mlir::Value cotangent : operandCotangents) {
    vjp.place.push_back(cotangent ? std::optional<int>(returned.size()) : std::nullopt);
    if (cotangent) returned.push_back(cotangent);
  }
  ir::ReturnOp::create(builder, op->getLoc(), returned);
  derivative.setFunctionType(builder.getFunctionType(inputs, mlir::ValueRange(returned).getTypes()));
  return succeeded(mlir::verify(program.program()));
}

double functional(const std::vector<Tensor>& results, const std::vector<Tensor>& cotangents) {
  double sum = 0;
  for (size_t i = 0; i < cotangents.size(); ++i)
    for (int64_t j = 0; j < cotangents[i].size(); ++j)
      sum += results[i].reals()[j] * cotangents[i].reals()[j];
  return sum;
}

class Gradient : public testing::TestWithParam<OpCase> {};

TEST_P(Gradient, EqualsCentralDifferences) {
  const OpCase& opCase = GetParam();
  TestProgram program(programText(opCase));
  ASSERT_TRUE(program.ok()) << program.messages();
  Vjp vjp;
  ASSERT_TRUE(addVjpBody(program, opCase, vjp)) << program.messages();

  std::vector<Tensor> arguments = drawArguments(opCase);
  std::vector<Tensor> results = program.call("f", arguments);
  ASSERT_EQ(results.size(), opCase.results.size()) << program.messages();
  OpCase cotangentCase{opCase.name + "/cotangents", {}, "", {}};
  for (size_t i = 0; i < numCotangents(opCase); ++i)
    cotangentCase.arguments.push_back({"c" + std::to_string(i), opCase.results[i]});
  const std::vector<Tensor> cotangents = drawArguments(cotangentCase);
  std::vector<Tensor> vjpArguments = arguments;
  vjpArguments.insert(vjpArguments.end(), cotangents.begin(), cotangents.end());
  const std::vector<Tensor> gradients = program.call("vjp", vjpArguments);
  ASSERT_TRUE(!gradients.empty() || llvm::none_of(vjp.place, [](auto place) { return place.has_value(); }))
      << program.messages();

  // An op may read one argument twice, so gradients are gathered per argument.
  mlir::Operation* op = opOf(program.body("f"));
  for (size_t a = 0; a < arguments.size(); ++a) {
    if (!arguments[a].isReal()) continue;
    Tensor gradient(Element::f64, arguments[a].shape());
    bool flows = false;
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      if (op->getOperand(i) != program.body("f").getBlock().getArgument(a)) continue;
      flows |= vjp.flows[i];
      if (!vjp.place[i]) continue;
      const Tensor& part = gradients[*vjp.place[i]];
      ASSERT_EQ(part.shape(), arguments[a].shape());
      for (int64_t j = 0; j < part.size(); ++j)
        gradient.reals()[j] += part.reals()[j];
    }
    if (!flows) continue;
    for (int64_t j = 0; j < arguments[a].size(); ++j) {
      double expected = 0;
      if (!opCase.stopsGradient) {
        const double x = arguments[a].reals()[j];
        arguments[a].reals()[j] = x + kStep;
        const double above = functional(program.call("f", arguments), cotangents);
        arguments[a].reals()[j] = x - kStep;
        const double below = functional(program.call("f", arguments), cotangents);
        arguments[a].reals()[j] = x;
        expected = (above - below) / (2 * kStep);
      }
      EXPECT_NEAR(gradient.reals()[j], expected, kTolerance * std::max(1.0, std::abs(expected)))
          << "argument " << opCase.arguments[a].name << " element " << j;
    }
  }
}

std::string testName(const testing::TestParamInfo<OpCase>& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Ops, Gradient, testing::ValuesIn(allCases()), testName);

/// Names of the ops in all cases.
std::set<std::string> opsInCases() {
  std::set<std::string> names;
  for (const OpCase& opCase : allCases()) {
    TestProgram program(programText(opCase));
    if (!program.ok()) continue; // Gradient reports it
    program.body("f").walk([&](mlir::Operation* op) { names.insert(op->getName().getStringRef().str()); });
  }
  return names;
}

TEST(Coverage, EveryDifferentiableOpHasAGradientCase) {
  mlir::MLIRContext context;
  context.loadDialect<ir::TailorDialect>();
  const std::set<std::string> covered = opsInCases();
  int count = 0;
  for (mlir::RegisteredOperationName op : context.getRegisteredOperationsByDialect("tailor")) {
    if (!op.hasInterface<ir::DifferentiableOpInterface>()) continue;
    ++count;
    EXPECT_TRUE(covered.contains(op.getStringRef().str()))
        << op.getStringRef().str() << " has no gradient case";
  }
  EXPECT_GT(count, 40) << "the dialect lost its differentiable ops";
}

TEST(Coverage, EveryOpThatComputesHasAnEvaluator) {
  mlir::MLIRContext context;
  context.loadDialect<ir::TailorDialect>();
  // What declares, what the interpreter walks itself, and what the verifier refuses today.
  const std::set<std::string> structure{
      "program", "state_group",    "state",      "control", "control_field", "body",  "return",
      "entry",   "yield",          "stage_plan", "stage",   "load",          "store", "input",
      "report",  "output",         "call",       "repeat",  "control_read",  "fused", "kernel",
      "launch",  "value_and_grad", "all_reduce", "part"};
  for (mlir::RegisteredOperationName op : context.getRegisteredOperationsByDialect("tailor")) {
    const std::string name = op.getStringRef().drop_front(std::string("tailor.").size()).str();
    EXPECT_NE(structure.contains(name),
              backend::reference::Evaluators::all().find(op.getStringRef()) != nullptr)
        << name;
  }
}

/// Where a power has a kink, the gradients are those of PyTorch.
TEST(PowGradient, AtTheEdges) {
  const double inf = std::numeric_limits<double>::infinity();
  const OpCase opCase{
      "pow/edges",
      {{"a", "6xf64", {}, {}, {0, 0, 0, -2, -2, 0}}, {"b", "6xf64", {}, {}, {0, 0.5, 2, 2, 0, -1}}},
      "%r = tailor.pow %a, %b : $a$",
      {"6xf64"}};
  TestProgram program(programText(opCase));
  ASSERT_TRUE(program.ok()) << program.messages();
  Vjp vjp;
  ASSERT_TRUE(addVjpBody(program, opCase, vjp)) << program.messages();
  std::vector<Tensor> arguments = drawArguments(opCase);
  arguments.push_back(arguments[0]);
  for (double& value : arguments.back().reals())
    value = 1;
  const std::vector<Tensor> gradients = program.call("vjp", arguments);
  ASSERT_EQ(gradients.size(), 2u) << program.messages();
  using testing::IsNan;
  EXPECT_THAT(gradients[0].reals(), testing::ElementsAre(0, inf, 0, -4, 0, -inf));
  EXPECT_THAT(gradients[1].reals(), testing::ElementsAre(0, 0, 0, IsNan(), IsNan(), -inf));
}

} // namespace
} // namespace tailor::conformance
