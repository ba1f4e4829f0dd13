// Every case of the conformance list on simulated GPU threads, against the reference, whatever the order of blocks and threads.

#include "tests/backends/sized_cases.h"
#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/case_text.h"
#include "tests/unit/backend/cuda/harness/bf16_case.h"
#include "tests/unit/backend/cuda/harness/simulated_kernels.h"
#include "tests/unit/backend/cuda/harness/tf32_case.h"
#include "tests/unit/backend/kernels/ordered_and_drawn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

/// Compiles all of them together and runs them one by one, in every order, and once watched.
void check(const std::vector<Run>& runs) {
  std::vector<KernelText> texts;
  for (const Run& run : runs)
    texts.push_back(run.text);
  SimulatedKernels kernels(texts, "cuda:sm_90"), watched(texts, "cuda:sm_90", /*watched=*/true);
  for (size_t i = 0; i < runs.size(); ++i) {
    SCOPED_TRACE(runs[i].name);
    kernels.setOrder(Order::forward);
    const std::vector<Tensor> first = kernels.run(i, runs[i].arguments);
    expectClose(first, kernels.expected(i, runs[i].arguments), runs[i].tolerance);
    for (Order order : {Order::reverse, Order::random}) {
      kernels.setOrder(order);
      expectSame(kernels.run(i, runs[i].arguments), first);
    }
    try {
      expectSame(watched.run(i, runs[i].arguments), first);
    } catch (const std::runtime_error& error) {
      ADD_FAILURE() << error.what();
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

/// Returns how many of the cases are products.
size_t checkInTf32(const std::vector<OpCase>& cases) {
  std::vector<Run> runs;
  for (const OpCase& opCase : cases)
    if (std::optional<KernelText> text = tf32KernelText(opCase))
      runs.push_back({opCase.name, *text, kernelArguments(opCase), 1e-4});
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

TEST(Cuda, ProductsOfTf32) {
  EXPECT_GE(checkInTf32(conformance::allCases()), 15u) << "products and convolutions of all kinds";
}

// Ties go to even, what is beyond the largest becomes infinite, NaN stays.
TEST(Cuda, RoundsToTf32AsTheReferenceDoes) {
  const double ulp = 0x1p-10, inf = std::numeric_limits<double>::infinity();
  std::vector<double> values{
      0.0, -0.0, 1 + ulp / 2,  1 + 3 * ulp / 2, 1 + 0x1.002p-11, -1 - ulp / 2, 0x1.fffffep127,
      inf, -inf, std::nan(""), 0x1p-149,        0x1.ffcp-127,    1e-40,        3.14159265};
  values.resize(16, 1.0);
  const KernelText text{"map", "%x: tensor<4x4xf32>", "%r = tailor.round_tf32 %x : tensor<4x4xf32>", "%r",
                        "tensor<4x4xf32>"};
  SimulatedKernels kernels({text}, "cuda:sm_90");
  const std::vector<Tensor> arguments{Tensor::real({4, 4}, values, Element::f32)};
  const Tensor got = kernels.run(0, arguments)[0], expected = kernels.expected(0, arguments)[0];
  for (int64_t i = 0; i < 16; ++i)
    if (!std::isnan(expected.at(i)))
      EXPECT_EQ(got.at(i), expected.at(i)) << values[size_t(i)];
    else
      EXPECT_TRUE(std::isnan(got.at(i)));
  EXPECT_EQ(expected.at(2), 1);
  EXPECT_EQ(expected.at(3), 1 + 2 * ulp);
  EXPECT_EQ(expected.at(4), 1 + ulp);
  EXPECT_EQ(expected.at(6), inf);
}

TEST(Cuda, EveryKernelFamilyInOddSizes) {
  for (auto [rows, columns, valid] :
       {std::tuple{1, 1, 1}, {5, 7, 3}, {3, 17, 0}, {9, 4, 9}, {33, 70, 20}, {300, 9, 299}}) {
    check(backends::sizedCases(rows, columns, valid));
    EXPECT_GT(checkInBf16(backends::sizedCases(rows, columns, valid)), 10u);
  }
}

// Shared memory, counters and temporaries of parts beside each other, two parts of one kernel among them; a block of another part
// must not touch them.
TEST(Cuda, PartsOfOneLaunchComputeWhatTheyDoAlone) {
  const std::string logits = "tensor<70x40xf32>", labels = "tensor<70xi32>", scalar = "tensor<f32>";
  const std::vector<KernelText> texts{
      {"rows", "%z: " + logits + ", %y: " + labels,
       "%l = tailor.softmax_cross_entropy %z, %y : " + labels + " reduction(batch_mean) : " + logits +
           " -> " + scalar,
       "%l", scalar},
      {"gemm", "%a: tensor<70x40xf32>, %b: tensor<40x50xf32>",
       "%r = tailor.dot %a, %b contract([1] x [0]) : (tensor<70x40xf32>, tensor<40x50xf32>) -> "
       "tensor<70x50xf32>",
       "%r", "tensor<70x50xf32>"},
      {"columns", "%z: " + logits, "%s = tailor.reduce_sum %z dims([0]) : " + logits + " to tensor<40xf32>",
       "%s", "tensor<40xf32>"},
      {"channels", "%x: tensor<6x8x8x40xf32>",
       "%m, %v = tailor.batch_norm_statistics %x : (tensor<6x8x8x40xf32>) -> (tensor<40xf32>, "
       "tensor<40xf32>)",
       "%m, %v", "tensor<40xf32>, tensor<40xf32>"},
      {"horizontal",
       "%z: " + logits + ", %y: " + labels + ", %u: " + logits +
           ", %b: tensor<40x50xf32>, %x: tensor<6x8x8x40xf32>",
       "%l = tailor.part @kernel0(%z, %y) : (" + logits + ", " + labels + ") -> " + scalar +
           "\n%p = tailor.part @kernel1(%z, %b) : (" + logits +
           ", tensor<40x50xf32>) -> tensor<70x50xf32>\n%s = "
           "tailor.part @kernel2(%u) : (" +
           logits + ") -> tensor<40xf32>\n%k = tailor.part @kernel0(%u, %y) : (" + logits + ", " + labels +
           ") -> " + scalar +
           "\n%m, %v = tailor.part @kernel3(%x) : (tensor<6x8x8x40xf32>) -> (tensor<40xf32>, tensor<40xf32>)",
       "%l, %p, %s, %k, %m, %v",
       scalar + ", tensor<70x50xf32>, tensor<40xf32>, " + scalar + ", tensor<40xf32>, tensor<40xf32>"}};
  const Tensor z = draw(Element::f32, {70, 40}, -2, 2, 1), u = draw(Element::f32, {70, 40}, -2, 2, 2),
               b = draw(Element::f32, {40, 50}, -1, 1, 3), x = draw(Element::f32, {6, 8, 8, 40}, -1, 3, 4);
  std::vector<int64_t> classes;
  for (int64_t row = 0; row < 70; ++row)
    classes.push_back(row * 7 % 40);
  const Tensor y = Tensor::integer({70}, classes);
  SimulatedKernels kernels(texts, "cuda:sm_90", /*watched=*/true);
  uint32_t blocks = 0;
  for (size_t part : {0, 1, 2, 0, 3})
    blocks += kernels.gpuInfo(part).functions.front().blocks;
  EXPECT_EQ(kernels.gpuInfo(4).functions.front().blocks, blocks);
  EXPECT_EQ(kernels.gpuInfo(4).flops, 2 * kernels.gpuInfo(0).flops + kernels.gpuInfo(1).flops +
                                          kernels.gpuInfo(2).flops + kernels.gpuInfo(3).flops);
  for (Order order : {Order::forward, Order::reverse, Order::random}) {
    kernels.setOrder(order);
    for (int again = 0; again < 2; ++again) { // counters are 0 again behind a launch
      const std::vector<Tensor> together = kernels.run(4, {z, y, u, b, x});
      std::vector<Tensor> alone = kernels.run(0, {z, y});
      auto add = [&](const std::vector<Tensor>& more) {
        alone.insert(alone.end(), more.begin(), more.end());
      };
      add(kernels.run(1, {z, b}));
      add(kernels.run(2, {u}));
      add(kernels.run(0, {u, y}));
      add(kernels.run(3, {x}));
      expectSame(together, alone);
      expectClose(together, kernels.expected(4, {z, y, u, b, x}), 1e-4);
    }
  }
}

TEST(Cuda, OrdersStatisticsAndDraws) {
  check(orderedAndDrawnCases());
}

} // namespace
} // namespace tailor::backend::testing
