// Every op through a builder whose lane values are plain elements, against the reference: the evaluators know nothing of
// vectors. The same cases as target cpu runs, within the same tolerance.

#include "tests/backends/sized_cases.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/codegen/one_lane_kernels.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/kernels/ordered_and_drawn.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>

namespace tailor::backend::testing {
namespace {

using conformance::OpCase;

/// Empty, or why the evaluators have no code for a case.
std::string whyLeftOut(const OpCase& opCase) {
  return opCase.text.find("tailor.conv2d") == std::string::npos
             ? ""
             : "convolutions are loops of a back end alone";
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
  EXPECT_EQ(leftOut, 5u * 3) << "conv2d and its gradients in five geometries";
}

TEST(OneLane, EveryKernelFamilyInOddSizes) {
  for (auto [rows, columns, valid] : {std::tuple{1, 1, 1}, {5, 7, 3}, {3, 17, 0}, {9, 4, 9}})
    check(backends::sizedCases(rows, columns, valid));
}

TEST(OneLane, OrdersStatisticsAndDraws) {
  check(orderedAndDrawnCases());
}

/// With lanes along the rows a table is read at a position a lane, through whatever lies between.
TEST(OneLane, LanesAlongRowsReadPartsOfTables) {
  const conformance::Argument table{"t", "9xf32"}, code{"i", "5xi32", {}, {2, 0, 1, 1, 2}};
  check({{"take_of_slice",
          {table, code},
          "%p = tailor.slice %t from([2]) to([9]) by([3]) : $t$ to tensor<3xf32>\n"
          "%r = tailor.take %p, %i : (tensor<3xf32>, $i$) -> $r$",
          {"5xf32"}}});
}

/// Row and column of such a position may both lie in a pad: then nothing is read there. What is before the table is a page
/// that cannot be read.
TEST(OneLane, LanesAlongRowsReadNothingOutsideOfATable) {
  const KernelText text{
      "single", "%x: tensor<3x8xf32>, %column: tensor<4xi32>",
      "%p = tailor.pad %x low([1, 1]) high([0, 0]) interior([0, 0]) : tensor<3x8xf32> to "
      "tensor<4x9xf32>\n"
      "%r = tailor.take_along %p, %column : (tensor<4x9xf32>, tensor<4xi32>) -> tensor<4xf32>",
      "%r", "tensor<4xf32>"};
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages, page, PROT_NONE), 0);
  auto* x = reinterpret_cast<float*>(static_cast<char*>(pages) + page);
  std::iota(x, x + 24, 1.0f);
  CompiledKernels kernels({text}, targetNamed("cpu:x86-64-v3"), emitOneLaneKernel);
  std::array<int32_t, 4> column{3, 0, 2, 8};
  std::array<float, 4> result{};
  kernels.launch(0, {x, column.data(), result.data()}, {4});
  EXPECT_EQ(result, (std::array<float, 4>{0, 0, 10, 24}));
  munmap(pages, 2 * page);
}

} // namespace
} // namespace tailor::backend::testing
