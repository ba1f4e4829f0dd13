// Every case of the conformance list, alone in a kernel and in f32, against the reference.

#include "backend/cpu/KernelCompiler.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace tailor::backend::testing {
namespace {

std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

class Conformance : public ::testing::TestWithParam<conformance::OpCase> {};

TEST_P(Conformance, TheCpuAgreesWithTheReference) {
  conformance::OpCase opCase = GetParam();
  for (conformance::Argument& argument : opCase.arguments)
    argument.type = replaceAll(argument.type, "f64", "f32");
  for (std::string& type : opCase.results)
    type = replaceAll(type, "f64", "f32");
  opCase.text = replaceAll(opCase.text, "f64", "f32");
  // The body of the case's program, taken out of its text.
  std::string program = conformance::programText(opCase);
  size_t from = program.find("tailor.body @f(") + 15, open = program.find(") -> (", from);
  size_t close = program.find(") {\n", open), end = program.find("\n    tailor.return ", close);
  std::string returned = program.substr(end + 19, program.find(" : ", end) - end - 19);
  KernelText text{"single", program.substr(from, open - from), program.substr(close + 4, end - close - 4),
                  returned, program.substr(open + 6, close - open - 6)};
  if (text.ops.find("bf16") != std::string::npos || text.arguments.find("bf16") != std::string::npos)
    GTEST_SKIP() << "bf16 is not available for target cpu yet";
  if (text.ops.find("global_norm") != std::string::npos)
    GTEST_SKIP() << "its tensors are one region, as in multi_tensor_test.cpp and tests/backends";
  // A case of several ops is no group of one kind: it takes the loops that fit any op.
  if (std::count(text.ops.begin(), text.ops.end(), '=') == 0) FAIL() << text.ops;
  std::vector<Tensor> arguments = conformance::drawArguments(opCase);
  for (Tensor& argument : arguments)
    if (argument.isReal())
      for (double& value : argument.reals())
        value = static_cast<float>(value);
  CompiledKernels kernels({text}, nativeTarget());
  expectClose(kernels.run(0, arguments), kernels.expected(0, arguments), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(All, Conformance, ::testing::ValuesIn(conformance::allCases()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace_if(
                               name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); },
                               '_');
                           return name;
                         });

} // namespace
} // namespace tailor::backend::testing
