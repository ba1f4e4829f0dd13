/// Every back end against the reference: one artifact, the same state, one step.
#include "backend/driver/Driver.h"
#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceCheck.h"
#include "backend/reference/ReferenceExecutor.h"
#include "backend/reference/Tolerance.h"
#include "runtime/exec/cpu_executor.h"
#include "tests/backends/sized_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tailor::backends {
namespace {

using backend::reference::ReferenceExecutor;
using conformance::Argument;
using conformance::Draw;
using conformance::Element;
using conformance::OpCase;
using conformance::Shape;
using conformance::Tensor;
using runtime::Result;
using runtime::Status;

/// A back end: what to compile for, and who runs it.
struct Backend {
  std::string name, target;
  std::function<Result<std::unique_ptr<runtime::Executor>>(std::shared_ptr<const runtime::Artifact>)> make;
};

std::vector<Backend> backends() {
  return {
      {"cpu", "cpu:native",
       [](std::shared_ptr<const runtime::Artifact> artifact) -> Result<std::unique_ptr<runtime::Executor>> {
         TAILOR_ASSIGN_OR_RETURN_AS_IS(auto executor, runtime::CpuExecutor::create(std::move(artifact), {}));
         return std::unique_ptr<runtime::Executor>(std::move(executor));
       }}};
}

std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// A matrix or images: what bf16 stores.
bool isWide(const std::string& type) {
  return std::count(type.begin(), type.end(), 'x') > 1 && type.ends_with("f32");
}

/// %name = %from * factor, a power of two.
std::string scaled(const std::string& name, const std::string& from, const std::string& type,
                   const char* factor) {
  return "    %" + name + "_factor = tailor.constant dense<" + factor + "> : tensor<" + type + ">\n    %" +
         name + " = tailor.mul " + from + ", %" + name + "_factor : tensor<" + type + ">\n";
}

/// The case as an eval entry: arguments are states (of kind net: what depends on fitted ones alone runs in a
/// fit entry), results are outputs r0, r1, ...; i1 crosses as i32. With `bf16` wide values go through a kernel of their own
/// before and behind it, so that they are stored.
std::string entryText(const OpCase& opCase, bool bf16 = false) {
  std::string states, loads, outputs, text = opCase.text;
  for (const Argument& argument : opCase.arguments) {
    const std::string stored = replaceAll(argument.type, "i1", "i32"), name = argument.name;
    const bool isBool = stored != argument.type;
    states += "    tailor.state @\"" + name + "\" : tensor<" + stored + "> init(zeros)\n";
    const bool isScaled = bf16 && isWide(stored);
    loads += "    %" + name +
             (isBool     ? "_stored"
              : isScaled ? "_given"
                         : "") +
             " = tailor.load @args::@\"" + name + "\" : tensor<" + stored + ">\n";
    if (isBool)
      loads += "    %" + name + " = tailor.cast %" + name + "_stored : tensor<" + stored + "> to tensor<" +
               argument.type + ">\n";
    if (isScaled) loads += scaled(name, "%" + name + "_given", stored, "0.5");
    text = replaceAll(text, "$" + name + "$", "tensor<" + argument.type + ">");
  }
  text = replaceAll(text, "$r$", "tensor<" + opCase.results.front() + ">");
  for (size_t i = 0; i < opCase.results.size(); ++i) {
    const std::string number = std::to_string(i);
    std::string result = "%r" + (opCase.results.size() == 1 ? "" : "#" + number);
    if (bf16 && isWide(opCase.results[i])) {
      outputs += scaled("r" + number, result, opCase.results[i], "2.0");
      result = "%r" + number;
    }
    outputs += "    tailor.output \"r" + number + "\", " + result + " : tensor<" + opCase.results[i] + ">\n";
  }
  return "tailor.program @p {\n  tailor.state_group @args kind(net) {\n" + states +
         "  }\n  tailor.entry @run kind(eval) batch(1) {\n" + loads + "    " + text + "\n" + outputs +
         "    tailor.yield\n  }\n}\n" +
         (bf16 ? "{-# external_resources: { tailor: { options: \"{\\22run.precision\\22:{\\22value\\22:"
                 "\\22bf16\\22,\\22type\\22:\\22string\\22,\\22stage\\22:\\22compile\\22}}\" } } #-}\n"
               : "");
}

/// What the op cases of tests/conformance say in f64, in the f32 of compiled programs.
OpCase inF32(OpCase opCase) {
  for (Argument& argument : opCase.arguments)
    argument.type = replaceAll(argument.type, "f64", "f32");
  for (std::string& result : opCase.results)
    result = replaceAll(result, "f64", "f32");
  opCase.text = replaceAll(opCase.text, "f64", "f32");
  return opCase;
}

/// Gives both executors the same arguments, as the artifact's types hold them.
Status writeArguments(runtime::Executor& executor, const OpCase& opCase) {
  const std::vector<Tensor> arguments = drawArguments(opCase);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const runtime::State& state = executor.spec().states[i];
    std::vector<std::byte> bytes(state.bytes);
    backend::reference::toBytes(arguments[i], state.dtype, bytes);
    TAILOR_RETURN_IF_ERROR_AS_IS(executor.write_state(static_cast<int32_t>(i), bytes));
  }
  return {};
}

Result<Tensor> output(runtime::Executor& executor, int32_t index) {
  const runtime::Output& place = executor.spec().entries[0].variants[0].outputs[static_cast<size_t>(index)];
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto bytes, executor.read_output({0, 0}, index));
  return backend::reference::fromBytes(bytes, place.dtype, Shape(place.shape.begin(), place.shape.end()));
}

/// `rounding` is what a value may have been rounded by on its way, relative to the largest.
void compareOutputs(const Tensor& actual, const Tensor& expected, runtime::DType dtype, double rounding,
                    const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double largest = 0;
  for (int64_t i = 0; i < expected.size(); ++i)
    if (std::isfinite(expected.at(i))) largest = std::max(largest, std::abs(expected.at(i)));
  const double allowed = backend::reference::allowedDifference(dtype, largest) + rounding * largest;
  for (int64_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(backend::reference::isClose(actual.at(i), expected.at(i), allowed))
        << what << " element " << i << " is " << actual.at(i) << ", the reference says " << expected.at(i)
        << "; allowed difference " << allowed;
}

/// Compiles and runs one case on one back end and on the reference; with `numStored` in bf16, adding one there if a value
/// was stored so.
void check(const Backend& backend, const OpCase& opCase, int* numStored = nullptr) {
  SCOPED_TRACE(backend.name + ": " + opCase.name);
  const std::string text = entryText(opCase, numStored != nullptr);
  backend::CompileOptions options;
  options.target = backend.target;
  // What is one kernel with its neighbours stores nothing between them.
  if (numStored) options.disabled = {"fuse-elementwise", "fuse-convolutions", "fuse-norm-activation"};
  const auto compiled = backend::compileText(text, "case.mlir", options);
  ASSERT_TRUE(compiled.ok()) << compiled.status().message() << "\n" << text;
  if (numStored)
    *numStored +=
        std::any_of(compiled->remarks.begin(), compiled->remarks.end(), [](const passes::Remark& remark) {
          return remark.pass == "assign-precision" && remark.reason == "bf16";
        });
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  auto executor = backend.make(*artifact);
  ASSERT_TRUE(executor.ok()) << executor.status().message();
  // The casts of bf16 are in the plan, not in the program as it was written.
  auto reference =
      ReferenceExecutor::create(*artifact, {}, {.phase = numStored ? "planned" : "", .roundAtStores = true});
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  // The check of `--check reference` must agree with this test.
  const Status attached = backend::reference::attachCheck(**executor);
  ASSERT_TRUE(attached.ok()) << attached.message();

  for (runtime::Executor* one : {executor->get(), static_cast<runtime::Executor*>(reference->get())}) {
    const Status written = writeArguments(*one, opCase);
    ASSERT_TRUE(written.ok()) << written.message();
    const Status ran = one->run({0, 0}, 1);
    ASSERT_TRUE(ran.ok()) << ran.message();
  }
  const auto& outputs = (*artifact)->spec().entries[0].variants[0].outputs;
  ASSERT_EQ((*artifact)->spec().entries.size(), 1u) << "something was moved out of the entry that runs";
  ASSERT_EQ(outputs.size(), opCase.results.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto actual = output(**executor, static_cast<int32_t>(i)),
               expected = output(**reference, static_cast<int32_t>(i));
    ASSERT_TRUE(actual.ok() && expected.ok()) << actual.status().message() << expected.status().message();
    // Both round what they store: a value next to a tie may go to either side.
    const double rounding = numStored ? 2 * backend::reference::roundingOf(runtime::DType::kBF16) : 0;
    compareOutputs(*actual, *expected, outputs[i].dtype, rounding, "result " + std::to_string(i));
  }
}

/// A kernel that computes nothing: what it should have written stays zero.
void idleKernel(void* const*, const int64_t*, int64_t, int64_t) {}

/// The check must see a wrong kernel and say which value of which launch is wrong.
TEST(Check, NamesTheFirstWrongValue) {
  const OpCase opCase{"wrong", {{"x", "3xf32"}}, "%r = tailor.exp %x {op_id = 1 : i64} : $x$", {"3xf32"}};
  const auto compiled = backend::compileText(entryText(opCase), "case.mlir", backend::CompileOptions());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  auto executor = runtime::CpuExecutor::create_with_kernels(
      *artifact, {}, std::vector<runtime::KernelFunction>((*artifact)->spec().kernels.size(), idleKernel));
  ASSERT_TRUE(executor.ok()) << executor.status().message();
  ASSERT_TRUE(backend::reference::attachCheck(**executor).ok());
  ASSERT_TRUE(writeArguments(**executor, opCase).ok());
  EXPECT_THAT((*executor)->run({0, 0}, 1).message(),
              testing::AllOf(testing::HasSubstr("step 0, command "), testing::HasSubstr("case.mlir:"),
                             testing::HasSubstr("result 0 element 0 is 0 but the reference says ")));
  EXPECT_THAT(backend::reference::attachCheck(**executor, {.every = 0, .counts = {}}).message(),
              testing::HasSubstr("a check every 0 steps"));
}

/// Arguments are states here, which bytes cannot be: image_bytes_test.cpp has them.
bool readsBytes(const OpCase& opCase) {
  return std::any_of(opCase.arguments.begin(), opCase.arguments.end(),
                     [](const Argument& argument) { return argument.type.ends_with("ui8"); });
}

TEST(Backends, OpCases) {
  for (const Backend& backend : backends())
    for (const OpCase& opCase : conformance::allCases())
      if (!readsBytes(opCase)) check(backend, inF32(opCase));
}

TEST(Backends, OpCasesInBf16) {
  for (const Backend& backend : backends()) {
    int numStored = 0;
    for (const OpCase& opCase : conformance::allCases())
      if (!readsBytes(opCase)) check(backend, inF32(opCase), &numStored);
    EXPECT_GE(numStored, 80)
        << "cases with a value that is stored in bf16: most"; // losses and poolings have none
  }
}

/// NaN is last in both directions of a sort and wins argmax; equal ones keep their order.
TEST(Backends, NanHasAPlaceInEveryOrder) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const Argument x{"x", "4x5xf32", {}, {}, {1,   nan, 3,    nan, 2,    nan, nan, nan, nan, nan,
                                            nan, inf, -inf, 0,   -inf, 3,   1,   3,   2,   nan}};
  for (const Backend& backend : backends())
    for (const char* op : {"argmax %x dim(1)", "argmax %x dim(0)", "sort_perm %x dim(1)",
                           "sort_perm %x dim(1) descending", "sort_perm %x dim(0)"}) {
      const std::string text = op, name = text.substr(0, text.find(' '));
      const std::string result = name == "sort_perm"                        ? "4x5xi32"
                                 : text.find("dim(1)") != std::string::npos ? "4xi32"
                                                                            : "5xi32";
      check(backend, {text, {x}, "%r = tailor." + text + " : $x$ to $r$", {result}});
    }
}

/// A dump may hold what folding would have removed.
TEST(Backends, NothingCanBeRolled) {
  for (const Backend& backend : backends()) {
    backend::CompileOptions options;
    options.target = backend.target;
    const auto compiled = backend::compileText(R"(
      module attributes {tailor.phase = "kernels"} { tailor.program @p {
        tailor.state_group @net kind(net) { tailor.state @z : tensor<0x5xf32> init(ones) }
        tailor.kernel @k kind(single) (%z: tensor<0x5xf32>) -> tensor<0x5xf32> {
          %y = tailor.roll %z shift(3) dim(0) : tensor<0x5xf32>
          tailor.yield %y : tensor<0x5xf32>
        }
        tailor.entry @e kind(eval) batch(6) {
          %z = tailor.load @net::@z : tensor<0x5xf32>
          %y = tailor.launch @k(%z) : (tensor<0x5xf32>) -> tensor<0x5xf32>
          tailor.output "y", %y : tensor<0x5xf32>
        }
      } })",
                                               "roll.mlir", options);
    EXPECT_TRUE(compiled.ok()) << compiled.status().message();
  }
}

struct Size {
  int64_t rows, columns, valid;
};
std::string name_of(const Size& size) {
  return std::to_string(size.rows) + "x" + std::to_string(size.columns) + "_valid_" +
         std::to_string(size.valid);
}
void PrintTo(const Size& size, std::ostream* out) {
  *out << name_of(size);
}

class Sizes : public testing::TestWithParam<Size> {};

TEST_P(Sizes, EveryKernelFamily) {
  for (const Backend& backend : backends())
    for (const OpCase& opCase : sizedCases(GetParam().rows, GetParam().columns, GetParam().valid))
      check(backend, opCase);
}

TEST_P(Sizes, EveryKernelFamilyInBf16) {
  for (const Backend& backend : backends()) {
    int numStored = 0;
    for (const OpCase& opCase : sizedCases(GetParam().rows, GetParam().columns, GetParam().valid))
      check(backend, opCase, &numStored);
    EXPECT_GT(numStored, 10);
  }
}

INSTANTIATE_TEST_SUITE_P(Odd, Sizes,
                         testing::Values(Size{1, 1, 0}, Size{1, 7, 1}, Size{7, 17, 0}, Size{7, 1, 7},
                                         Size{17, 33, 1}, Size{33, 7, 33}, Size{33, 100, 20},
                                         Size{100, 17, 100}, Size{100, 33, 1}, Size{16, 32, 16}),
                         [](const auto& info) { return name_of(info.param); });

} // namespace
} // namespace tailor::backends
