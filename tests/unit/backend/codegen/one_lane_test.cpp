// Every op through a builder whose lane values are plain elements, against the reference: the evaluators know nothing of
// vectors. The same cases as target cpu runs, within the same tolerance.

#include "tests/backends/sized_cases.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/codegen/one_lane_kernels.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"

#include <gtest/gtest.h>

#include <cmath>

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

/// What other tests reach through whole programs only.
TEST(OneLane, OrdersStatisticsAndDraws) {
  const double nan = std::nan("");
  const conformance::Argument x{"x", "3x4xf32", {}, {}, {1, nan, 3, nan, 2, 2, -1, 2, nan, nan, nan, nan}};
  const conformance::Argument images{"x", "3x2x3x5xf32"}, gradient{"dy", "3x2x3x5xf32"};
  const conformance::Argument mean{"m", "5xf32"}, invStd{"i", "5xf32", conformance::Draw::positive};
  const conformance::Argument key{"key", "8xi32", {}, {5, 2, 0, 123, -9, 0, 0, 0}};
  std::vector<OpCase> cases{
      {"sort", {x}, "%r = tailor.sort_perm %x dim(1) : $x$ to $r$", {"3x4xi32"}},
      {"sort/descending", {x}, "%r = tailor.sort_perm %x dim(1) descending : $x$ to $r$", {"3x4xi32"}},
      {"permutation", {key}, "%r = tailor.random_permutation %key : $key$ -> $r$", {"9xi32"}},
      {"uniform", {key}, "%r = tailor.random_uniform %key from(-1.0) to(3.0) : $key$ -> $r$", {"3x6xf32"}},
      {"normal", {key}, "%r = tailor.random_normal %key std(2.0) : $key$ -> $r$", {"3x6xf32"}},
      {"bernoulli", {key}, "%r = tailor.bernoulli %key probability(0.3) : $key$ -> $r$", {"3x6xi1"}},
  };
  for (int64_t valid : {0, 1, 3}) {
    const conformance::Argument v{"v", "i32", {}, {valid}};
    const std::string suffix = "/valid_" + std::to_string(valid);
    cases.push_back({"statistics" + suffix,
                     {images, v},
                     "%r:2 = tailor.batch_norm_statistics %x valid(%v) : ($x$, $v$) -> ($r$, $r$)",
                     {"5xf32", "5xf32"}});
    cases.push_back({"grad_statistics" + suffix,
                     {gradient, images, mean, invStd, v},
                     "%r:2 = tailor.batch_norm_grad_statistics %dy, %x, %m, %i valid(%v) : ($dy$, $x$, $m$, "
                     "$i$, $v$) -> ($r$, $r$)",
                     {"5xf32", "5xf32"}});
  }
  check(cases);
}

} // namespace
} // namespace tailor::backend::testing
