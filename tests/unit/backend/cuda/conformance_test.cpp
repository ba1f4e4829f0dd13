// Every case of the conformance list on simulated GPU threads, against the reference, whatever the order of blocks and threads.

#include "tests/backends/sized_cases.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cuda/harness/simulated_kernels.h"
#include "tests/unit/backend/kernels/ordered_and_drawn.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

using conformance::OpCase;

/// Empty, or the op for which a case is left out. The tensors of a norm are one region: tests/unit/backend/kernels.
std::string whyLeftOut(const OpCase& opCase) {
  for (const char* op : {"tailor.scatter_add", "tailor.max_pool2d_grad", "tailor.global_norm"})
    if (opCase.text.find(op) != std::string::npos) return op;
  return "";
}

/// Compiles all cases together and runs them one by one, in every order.
void check(const std::vector<OpCase>& cases) {
  std::vector<OpCase> kept;
  std::vector<KernelText> texts;
  for (const OpCase& opCase : cases)
    if (whyLeftOut(opCase).empty()) {
      kept.push_back(opCase);
      texts.push_back(kernelText(opCase));
    }
  SimulatedKernels kernels(texts, "cuda:sm_90");
  for (size_t i = 0; i < kept.size(); ++i) {
    SCOPED_TRACE(kept[i].name);
    const std::vector<Tensor> arguments = kernelArguments(kept[i]);
    kernels.setOrder(Order::forward);
    const std::vector<Tensor> first = kernels.run(i, arguments);
    expectClose(first, kernels.expected(i, arguments), 1e-4);
    for (Order order : {Order::reverse, Order::random}) {
      kernels.setOrder(order);
      expectSame(kernels.run(i, arguments), first);
    }
  }
}

TEST(Cuda, ConformanceCases) {
  const std::vector<OpCase> cases = conformance::allCases();
  check(cases);
  // What is left out is known: an op whose code goes missing must not go unnoticed.
  size_t leftOut = 0;
  for (const OpCase& opCase : cases)
    leftOut += !whyLeftOut(opCase).empty();
  EXPECT_EQ(leftOut, 1u + 3) << "scatter_add and global_norm";
}

TEST(Cuda, EveryKernelFamilyInOddSizes) {
  for (auto [rows, columns, valid] :
       {std::tuple{1, 1, 1}, {5, 7, 3}, {3, 17, 0}, {9, 4, 9}, {33, 70, 20}, {300, 9, 299}})
    check(backends::sizedCases(rows, columns, valid));
}

TEST(Cuda, OrdersStatisticsAndDraws) {
  check(orderedAndDrawnCases());
}

} // namespace
} // namespace tailor::backend::testing
