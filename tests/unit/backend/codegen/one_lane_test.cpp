// Every op through a builder whose lane values are plain elements, against the reference: the evaluators know nothing of
// vectors. The same cases as target cpu runs, within the same tolerance.

#include "tests/backends/sized_cases.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/codegen/one_lane_kernels.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/kernels/ordered_and_drawn.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

using conformance::OpCase;

/// Empty, or why the evaluators have no code for a case.
std::string whyLeftOut(const OpCase& opCase) {
  for (const char* op : {"tailor.conv2d", "tailor.scatter_add", "tailor.max_pool2d_grad"})
    if (opCase.text.find(op) != std::string::npos) return std::string(op) + " is loops of a back end alone";
  return "";
}

/// Compiles all cases together and runs them one by one.
void check(const std::vector<OpCase>& cases) {
  std::vector<OpCase> kept;
  std::vector<KernelText> texts;
  for (const OpCase& opCase : cases)
    if (whyLeftOut(opCase).empty()) {
      kept.push_back(opCase);
      texts.push_back(kernelText(opCase));
    }
  CompiledKernels kernels(texts, targetNamed("cpu:x86-64-v3"), emitOneLaneKernel);
  for (size_t i = 0; i < kept.size(); ++i) {
    SCOPED_TRACE(kept[i].name);
    const std::vector<Tensor> arguments = kernelArguments(kept[i]);
    expectClose(kernels.run(i, arguments), kernels.expected(i, arguments), 1e-4);
  }
}

TEST(OneLane, ConformanceCases) {
  const std::vector<OpCase> cases = conformance::allCases();
  check(cases);
  // What is left out is known: an op whose code goes missing must not go unnoticed.
  size_t leftOut = 0;
  for (const OpCase& opCase : cases)
    leftOut += !whyLeftOut(opCase).empty();
  EXPECT_EQ(leftOut, 5u * 3 + 1) << "conv2d and its gradients in five geometries, and scatter_add";
}

TEST(OneLane, EveryKernelFamilyInOddSizes) {
  for (auto [rows, columns, valid] : {std::tuple{1, 1, 1}, {5, 7, 3}, {3, 17, 0}, {9, 4, 9}})
    check(backends::sizedCases(rows, columns, valid));
}

TEST(OneLane, OrdersStatisticsAndDraws) {
  check(orderedAndDrawnCases());
}

} // namespace
} // namespace tailor::backend::testing
