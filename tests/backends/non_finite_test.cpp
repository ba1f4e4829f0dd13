/// NaN, infinities, signed zeros and the largest number through every elementwise op, reduction and loss, forward and
/// gradient: a back end gives what the reference gives. What diverges must look diverged everywhere, and a logit of
/// -inf (an impossible class) must not.
#include "backend/driver/Driver.h"
#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/cpu_executor.h"
#include "tests/conformance/op_case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tailor::backends {
namespace {

using backend::reference::ReferenceExecutor;
using conformance::Argument;
using conformance::OpCase;
using conformance::Shape;
using conformance::Tensor;
using runtime::Status;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLargest = std::numeric_limits<float>::max();

const std::vector<double> kAll = {kNan, kInf, -kInf, 0.0, -0.0, kLargest, -kLargest, 1.5, -2};
/// Sums of the largest number overflow in f32 and not in the reference's f64: that is no fault.
const std::vector<double> kSummable = {kNan, kInf, -kInf, 0.0, -0.0, 1.5};

/// Every tuple of `count` numbers of `numbers`, one after the other; the `place`-th of each, or all of them.
std::vector<double> tuples(const std::vector<double>& numbers, int count, int place = -1) {
  size_t total = 1;
  for (int i = 0; i < count; ++i)
    total *= numbers.size();
  std::vector<double> values;
  for (size_t tuple = 0; tuple < total; ++tuple)
    for (size_t i = 0, rest = tuple; i < size_t(count); ++i, rest /= numbers.size())
      if (place < 0 || size_t(place) == i) values.push_back(numbers[rest % numbers.size()]);
  return values;
}

std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

bool isReal(const std::string& type) {
  return type.ends_with("f32");
}

/// The op in a body whose loss is the sum of its first result, and an entry with its value and, if it has them, the
/// gradients of its real arguments.
std::string programText(const OpCase& opCase, std::vector<std::string>& outputs) {
  std::string states, loads, parameters, values, types, wrt, gradients, gradientTypes, stores,
      text = opCase.text;
  for (size_t i = 0; i < opCase.arguments.size(); ++i) {
    const Argument& argument = opCase.arguments[i];
    const std::string type = "tensor<" + argument.type + ">", comma = i == 0 ? "" : ", ";
    states += "tailor.state @\"" + argument.name + "\" : " + type + " init(zeros)\n";
    loads += "%" + argument.name + " = tailor.load @args::@\"" + argument.name + "\" : " + type + "\n";
    parameters += comma + "%" + argument.name + ": " + type;
    values += comma + "%" + argument.name;
    types += comma + type;
    text = replaceAll(text, "$" + argument.name + "$", type);
    // Class tables have no gradient, and are named by more than a letter.
    if (!isReal(argument.type) || argument.name.size() > 1 || opCase.numDifferentiable == 0) continue;
    wrt += (wrt.empty() ? "" : ", ") + std::to_string(i);
    gradients += ", %d" + argument.name;
    gradientTypes += ", " + type;
    outputs.push_back("gradient of " + argument.name);
    stores += "tailor.output \"" + outputs.back() + "\", %d" + argument.name + " : " + type + "\n";
  }
  const std::string& shape = opCase.results.front();
  const std::string result = "tensor<" + shape + ">";
  text = replaceAll(text, "$r$", result);
  outputs.push_back("value");
  stores += "tailor.output \"value\", %r : " + result + "\n";
  std::string body, call;
  if (wrt.empty()) {
    call = text + "\n";
  } else {
    std::string dims;
    for (int64_t i = 0; i < std::count(shape.begin(), shape.end(), 'x'); ++i)
      dims += (i == 0 ? "" : ", ") + std::to_string(i);
    body = "tailor.body @f(" + parameters + ") -> (tensor<f32>, " + result + ") {\n" + text +
           "\n%sum = tailor.reduce_sum %r dims([" + dims + "]) : " + result +
           " to tensor<f32>\ntailor.return %sum, %r : tensor<f32>, " + result + "\n}\n";
    call = "%sum, %r" + gradients + " = tailor.value_and_grad @f(" + values + ") wrt([" + wrt + "]) : (" +
           types + ") -> (tensor<f32>, " + result + gradientTypes + ")\n";
  }
  return "tailor.program @p {\ntailor.state_group @args kind(net) {\n" + states + "}\n" + body +
         "tailor.entry @run kind(eval) batch(1) {\n" + loads + call + stores + "tailor.yield\n}\n}\n";
}

Tensor outputOf(runtime::Executor& executor, const std::string& name) {
  const auto& outputs = executor.spec().entries[0].variants[0].outputs;
  const auto place =
      std::find_if(outputs.begin(), outputs.end(), [&](const auto& o) { return o.name == name; });
  const auto bytes = executor.read_output({0, 0}, static_cast<int32_t>(place - outputs.begin()));
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return backend::reference::fromBytes(*bytes, place->dtype, Shape(place->shape.begin(), place->shape.end()));
}

/// The same kind of number; finite ones equal to 1e-4 of themselves (f32 polynomials behind a few roundings).
bool agree(double actual, double expected) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected);
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= 1e-4 * std::abs(expected) + 1e-6;
}

void check(const OpCase& opCase) {
  SCOPED_TRACE(opCase.name);
  std::vector<std::string> names;
  const std::string text = programText(opCase, names);
  const auto compiled = backend::compileText(text, "case.mlir", {});
  ASSERT_TRUE(compiled.ok()) << compiled.status().message() << "\n" << text;
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  auto cpu = runtime::CpuExecutor::create(*artifact, {});
  auto reference = ReferenceExecutor::create(*artifact, {}, {.roundAtStores = true});
  ASSERT_TRUE(cpu.ok() && reference.ok()) << cpu.status().message() << reference.status().message();
  const std::vector<Tensor> arguments = drawArguments(opCase);
  for (runtime::Executor* one :
       {static_cast<runtime::Executor*>(cpu->get()), static_cast<runtime::Executor*>(reference->get())}) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const runtime::State& state = one->spec().states[i];
      std::vector<std::byte> bytes(state.bytes);
      backend::reference::toBytes(arguments[i], state.dtype, bytes);
      ASSERT_TRUE(one->write_state(static_cast<int32_t>(i), bytes).ok());
    }
    const Status ran = one->run({0, 0}, 1);
    ASSERT_TRUE(ran.ok()) << ran.message();
  }
  for (const std::string& name : names) {
    const Tensor actual = outputOf(**cpu, name), expected = outputOf(**reference, name);
    const int64_t perRow = arguments[0].size() / std::max<int64_t>(arguments[0].dim(0), 1);
    for (int64_t i = 0; i < expected.size(); ++i) {
      if (agree(actual.at(i), expected.at(i))) continue;
      std::string of;
      const int64_t row = i / std::max<int64_t>(1, expected.size() / arguments[0].dim(0));
      for (int64_t k = 0; k < perRow; ++k)
        of += " " + std::to_string(arguments[0].at(row * perRow + k));
      if (arguments.size() > 1 && arguments[1].size() == arguments[0].size())
        of += " and " + std::to_string(arguments[1].at(i));
      ADD_FAILURE() << name << " element " << i << " is " << actual.at(i) << ", the reference says "
                    << expected.at(i) << " for" << of;
    }
  }
}

std::string count(const std::vector<double>& values) {
  return std::to_string(values.size());
}

TEST(NonFinite, OneOperand) {
  const Argument x{"x", count(kAll) + "xf32", {}, {}, kAll};
  for (const char* op : {"neg", "abs", "sign", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "reciprocal",
                         "square", "tanh", "sigmoid", "erf", "relu", "silu", "gelu"})
    check({op, {x}, std::string("%r = tailor.") + op + " %x : $x$", {x.type}});
  check({"gelu/tanh", {x}, "%r = tailor.gelu %x form(tanh) : $x$", {x.type}});
  check({"clamp", {x}, "%r = tailor.clamp %x from -0.5 to 1.0 : $x$", {x.type}});
  check({"stop_gradient", {x}, "%r = tailor.stop_gradient %x : $x$", {x.type}, 0});
  const Argument small{"x", "7xf32", {}, {}, {kNan, kInf, -kInf, 0.0, -0.0, 1e5, -2}};
  for (const char* op : {"sin", "cos"}) // 1e38 has no digits behind its point, nor near it
    check({op, {small}, std::string("%r = tailor.") + op + " %x : $x$", {small.type}});
  check({"is_finite",
         {x},
         "%f = tailor.is_finite %x : $x$\n%r = tailor.cast %f : tensor<" + count(kAll) + "xi1> to $r$",
         {x.type},
         0});
  check({"cast", {x}, "%r = tailor.cast %x : $x$ to $r$", {count(kAll) + "xi32"}, 0});
}

TEST(NonFinite, TwoOperands) {
  const std::vector<double> first = tuples(kAll, 2, 0), second = tuples(kAll, 2, 1);
  const Argument a{"a", count(first) + "xf32", {}, {}, first}, b{"b", count(second) + "xf32", {}, {}, second};
  for (const char* op : {"add", "sub", "mul", "div", "max", "min", "pow"})
    check({op, {a, b}, std::string("%r = tailor.") + op + " %a, %b : $a$", {a.type}});
  const std::string flags = "tensor<" + count(first) + "xi1>";
  for (const char* direction : {"eq", "ne", "lt", "le", "gt", "ge"})
    check({std::string("compare/") + direction,
           {a, b},
           std::string("%c = tailor.compare %a ") + direction +
               " %b : $a$\n%r = tailor.where %c, %a, %b : " + flags + ", $a$",
           {a.type}});
}

TEST(NonFinite, Reductions) {
  const std::vector<double> rows = tuples(kSummable, 3);
  const std::string n = std::to_string(rows.size() / 3), matrix = n + "x3xf32", columns = "3x" + n + "xf32";
  const Argument x{"x", matrix, {}, {}, rows};
  const Argument c{"c", columns, {}, {}, rows};
  for (const char* op : {"reduce_sum", "reduce_mean", "reduce_max", "reduce_min"}) {
    const std::string text = std::string("%r = tailor.") + op;
    check({std::string(op) + "/rows", {x}, text + " %x dims([1]) : $x$ to $r$", {n + "xf32"}});
    check({std::string(op) + "/columns", {c}, text + " %c dims([0]) : $c$ to $r$", {n + "xf32"}});
  }
  check({"logsumexp/rows", {x}, "%r = tailor.logsumexp %x dim(1) : $x$ to $r$", {n + "xf32"}});
  check({"logsumexp/columns", {c}, "%r = tailor.logsumexp %c dim(0) : $c$ to $r$", {n + "xf32"}});
  for (const char* op : {"softmax", "log_softmax", "l2_normalize"})
    check({op, {x}, std::string("%r = tailor.") + op + " %x dim(1) : $x$", {matrix}});
  check({"argmax", {x}, "%r = tailor.argmax %x dim(1) : $x$ to $r$", {n + "xi32"}, 0});
  check({"sort_perm", {x}, "%r = tailor.sort_perm %x dim(1) : $x$ to $r$", {n + "x3xi32"}, 0});
  // Rows behind the valid ones may hold anything.
  const Argument v{"v", "i32", {}, {1}};
  const Argument m{"m", "3x2xf32", {}, {}, {1, 2, kNan, kInf, -kInf, kNan}};
  check({"masked_mean", {m, v}, "%r = tailor.masked_mean %m valid(%v) : ($m$, $v$) -> $r$", {"2xf32"}});
}

TEST(NonFinite, SoftmaxCrossEntropy) {
  const std::vector<double> rows = tuples(kSummable, 3);
  const size_t n = rows.size() / 3;
  const std::string count = std::to_string(n);
  std::vector<int64_t> labels, labelsB;
  std::vector<double> lambdas, soft;
  for (size_t i = 0; i < n; ++i) {
    labels.push_back(int64_t(i) % 3);
    labelsB.push_back(int64_t(i / 3) % 3);
    lambdas.push_back(i % 4 == 0 ? 1 : 0.25);
    for (double target : {i % 2 == 0 ? 1.0 : 0.5, 0.0, i % 2 == 0 ? 0.0 : 0.5})
      soft.push_back(target);
  }
  const Argument z{"z", count + "x3xf32", {}, {}, rows}, y{"y", count + "xi32", {}, labels};
  const Argument yb{"yb", count + "xi32", {}, labelsB}, lambda{"lam", count + "xf32", {}, {}, lambdas};
  const Argument targets{"soft", count + "x3xf32", {}, {}, soft}, weights{"ww", "3xf32", {}, {}, {0.5, 1, 2}};
  const Argument smoothing{"eps", "3xf32", {}, {}, {0, 0.1, 0.3}},
      margin{"mm", "3xf32", {}, {}, {0.1, 0.2, 0.3}};
  const Argument bias{"bb", "3xf32", {}, {}, {-1, 0, 1}}, valid{"valid", "i32", {}, {int64_t(n) - 20}};
  const auto loss = [&](const std::string& name, std::vector<Argument> arguments, const std::string& words,
                        const std::string& what = "%y : $y$ ") {
    arguments.insert(arguments.begin(), z);
    if (what.find("%y") != std::string::npos) arguments.insert(arguments.begin() + 1, y);
    check({"softmax_cross_entropy/" + name,
           arguments,
           "%r = tailor.softmax_cross_entropy %z" + (what.empty() ? " " : ", " + what) + words +
               " reduction(none) : $z$ -> $r$",
           {count + "xf32"}});
  };
  loss("plain", {}, "");
  loss("weights", {weights}, "weights(%ww : $ww$)");
  loss("smoothing", {smoothing}, "smoothing(%eps : $eps$)");
  loss("margin", {margin}, "margin(%mm : $mm$)");
  loss("bias", {bias}, "bias(%bb : $bb$)");
  loss("focal", {}, "focal(2.0)");
  loss("focal/half", {}, "focal(0.5)");
  loss("focal/smoothing", {smoothing}, "smoothing(%eps : $eps$) focal(2.0)");
  loss("valid", {valid}, "valid(%valid : $valid$)");
  loss("mix", {yb, lambda}, "mix(%yb, %lam : $yb$, $lam$)");
  loss("soft", {targets}, "soft(%soft : $soft$)", "");
}

TEST(NonFinite, SigmoidCrossEntropy) {
  std::vector<double> logits = kAll;
  logits.insert(logits.end(), kAll.begin(), kAll.end());
  std::vector<int64_t> labels(kAll.size(), 0);
  labels.resize(logits.size(), 1);
  const std::string n = std::to_string(logits.size());
  const Argument z{"z", n + "xf32", {}, {}, logits}, y{"y", n + "xi32", {}, labels};
  const Argument weights{"ww", "2xf32", {}, {}, {0.5, 2}}, smoothing{"eps", "2xf32", {}, {}, {0, 0.1}};
  const auto loss = [&](const std::string& name, std::vector<Argument> arguments, const std::string& words) {
    arguments.insert(arguments.begin(), {z, y});
    check({"sigmoid_cross_entropy/" + name,
           arguments,
           "%r = tailor.sigmoid_cross_entropy %z, %y : $y$ " + words + " reduction(none) : $z$ -> $r$",
           {n + "xf32"}});
  };
  loss("plain", {}, "");
  loss("weights", {weights}, "weights(%ww : $ww$)");
  loss("smoothing", {smoothing}, "smoothing(%eps : $eps$)");
}

} // namespace
} // namespace tailor::backends
