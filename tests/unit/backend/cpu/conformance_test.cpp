// Every case of the conformance list, alone in a kernel and in f32, against the reference.

#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace tailor::backend::testing {
namespace {

class Conformance : public ::testing::TestWithParam<conformance::OpCase> {};

TEST_P(Conformance, TheCpuAgreesWithTheReference) {
  const conformance::OpCase& opCase = GetParam();
  KernelText text = kernelText(opCase);
  if (text.ops.find("global_norm") != std::string::npos)
    GTEST_SKIP() << "its tensors are one region, as in multi_tensor_test.cpp and tests/backends";
  // A case of several ops is no group of one kind: it takes the loops that fit any op.
  if (std::count(text.ops.begin(), text.ops.end(), '=') == 0) FAIL() << text.ops;
  std::vector<Tensor> arguments = kernelArguments(opCase);
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
