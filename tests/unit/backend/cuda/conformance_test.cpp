// Every case of the conformance list on simulated GPU threads, against the reference, whatever the order of blocks and threads.

#include "tests/backends/sized_cases.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cuda/harness/bf16_case.h"
#include "tests/unit/backend/cuda/harness/simulated_kernels.h"
#include "tests/unit/backend/kernels/ordered_and_drawn.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

using conformance::OpCase;

/// The tensors of a norm are one region: tests/unit/backend/kernels.
bool isLeftOut(const OpCase& opCase) {
  return opCase.text.find("tailor.global_norm") != std::string::npos;
}

/// A kernel, what it is run on and how near the reference its results are.
struct Run {
  std::string name;
  KernelText text;
  std::vector<Tensor> arguments;
  double tolerance;
};

/// Compiles all of them together and runs them one by one, in every order.
void check(const std::vector<Run>& runs) {
  std::vector<KernelText> texts;
  for (const Run& run : runs)
    texts.push_back(run.text);
  SimulatedKernels kernels(texts, "cuda:sm_90");
  for (size_t i = 0; i < runs.size(); ++i) {
    SCOPED_TRACE(runs[i].name);
    kernels.setOrder(Order::forward);
    const std::vector<Tensor> first = kernels.run(i, runs[i].arguments);
    expectClose(first, kernels.expected(i, runs[i].arguments), runs[i].tolerance);
    for (Order order : {Order::reverse, Order::random}) {
      kernels.setOrder(order);
      expectSame(kernels.run(i, runs[i].arguments), first);
    }
  }
}

void check(const std::vector<OpCase>& cases) {
  std::vector<Run> runs;
  for (const OpCase& opCase : cases)
    if (!isLeftOut(opCase)) runs.push_back({opCase.name, kernelText(opCase), kernelArguments(opCase), 1e-4});
  check(runs);
}

/// Returns how many of the cases store something in bf16.
size_t checkInBf16(const std::vector<OpCase>& cases) {
  // A value next to a tie may be rounded to either side: by an ulp, 2^-7 of it.
  constexpr double kUlp = 0x1p-7;
  std::vector<Run> runs;
  for (const OpCase& opCase : cases)
    if (std::optional<KernelText> text = bf16KernelText(opCase))
      runs.push_back({opCase.name, *text, bf16KernelArguments(opCase), kUlp});
  check(runs);
  return runs.size();
}

TEST(Cuda, ConformanceCases) {
  const std::vector<OpCase> cases = conformance::allCases();
  check(cases);
  // What is left out is known: an op whose code goes missing must not go unnoticed.
  EXPECT_EQ(std::count_if(cases.begin(), cases.end(), isLeftOut), 3) << "global_norm";
}

TEST(Cuda, ConformanceCasesInBf16) {
  EXPECT_GE(checkInBf16(conformance::allCases()), 80u) << "cases that store something in bf16: most";
}

TEST(Cuda, EveryKernelFamilyInOddSizes) {
  for (auto [rows, columns, valid] :
       {std::tuple{1, 1, 1}, {5, 7, 3}, {3, 17, 0}, {9, 4, 9}, {33, 70, 20}, {300, 9, 299}}) {
    check(backends::sizedCases(rows, columns, valid));
    EXPECT_GT(checkInBf16(backends::sizedCases(rows, columns, valid)), 10u);
  }
}

TEST(Cuda, OrdersStatisticsAndDraws) {
  check(orderedAndDrawnCases());
}

} // namespace
} // namespace tailor::backend::testing
