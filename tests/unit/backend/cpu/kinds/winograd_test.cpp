// Winograd convolutions against the reference: sizes, channels, paddings, fused maps, chunks and batches.

#include "backend/cpu/kinds/WinogradForm.h"
#include "backend/cpu/kinds/WinogradPlan.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/convolution_kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace tailor::backend::testing {
namespace {

std::vector<Tensor> argumentsOf(ConvolutionProduct product, const Convolution3x3& s) {
  Tensor x = draw(Element::f32, s.x(), -1, 1, 1), w = draw(Element::f32, s.w(), -1, 1, 2);
  Tensor dy = draw(Element::f32, s.y(), -1, 1, 3);
  if (product == ConvolutionProduct::forward) return {x, w};
  if (product == ConvolutionProduct::dataGradient) return {dy, w};
  return {x, dy};
}

double relativeRms(const Tensor& got, const Tensor& expected) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < got.size(); ++i) {
    error += std::pow(got.at(i) - expected.at(i), 2);
    size += std::pow(expected.at(i), 2);
  }
  return std::sqrt(error / size);
}

struct Case {
  ConvolutionProduct product = ConvolutionProduct::forward;
  ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::winograd4x4;
  Convolution3x3 sizes;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "product " << int(c.product) << ", " << nameOf(c.algorithm).str() << ": " << c.sizes;
}

constexpr ConvolutionAlgorithm kAlgorithms[] = {ConvolutionAlgorithm::winograd4x4,
                                                ConvolutionAlgorithm::winograd2x2,
                                                ConvolutionAlgorithm::winogradStride2};

/// Sizes for which an algorithm is used.
Convolution3x3 sizesFor(ConvolutionAlgorithm algorithm, Convolution3x3 sizes) {
  sizes.stride = algorithm == ConvolutionAlgorithm::winogradStride2 ? 2 : 1;
  return sizes;
}

/// Every pair of two lists' values that leaves an output and fits an algorithm meets in some case: a greedy search from a fixed seed.
std::vector<Case> pairwiseCases() {
  const std::array<int64_t, 4> paddings[] = {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {0, 2, 1, 0},
                                             {2, 1, 0, 2}, {1, 0, 1, 2}, {1, 2, 1, 0}};
  const std::vector<std::vector<int64_t>> lists{{1, 2, 3, 4, 5, 9},
                                                {1, 2, 3, 4, 6, 7},
                                                {1, 3, 8, 16, 17, 33},
                                                {1, 5, 8, 16, 31, 48},
                                                {0, 1, 2, 3, 4, 5, 6},
                                                {0, 1, 2} /* product */,
                                                {0, 1, 2} /* algorithm */};
  using Pair = std::array<int64_t, 4>; // list, value, list, value
  std::set<Pair> open;
  for (size_t a = 0; a < lists.size(); ++a)
    for (size_t b = a + 1; b < lists.size(); ++b)
      for (int64_t v : lists[a])
        for (int64_t w : lists[b])
          open.insert({int64_t(a), v, int64_t(b), w});
  auto caseOf = [&](const std::vector<int64_t>& pick) {
    return Case{ConvolutionProduct(pick[5]),
                kAlgorithms[pick[6]],
                {3, pick[0], pick[1], pick[2], pick[3], paddings[pick[4]], pick[6] == 2 ? 2 : 1}};
  };
  std::vector<Case> cases;
  unsigned state = 1;
  auto next = [&](size_t limit) { return (state = state * 1664525 + 1013904223) / 65536 % limit; };
  for (int round = 0; round < 1000 && !open.empty(); ++round) {
    std::vector<int64_t> best;
    std::vector<Pair> met;
    for (int attempt = 0; attempt < 50; ++attempt) {
      std::vector<int64_t> pick;
      for (const auto& list : lists)
        pick.push_back(list[next(list.size())]);
      const Convolution3x3 sizes = caseOf(pick).sizes;
      if (sizes.outputHeight() <= 0 || sizes.outputWidth() <= 0) continue;
      if (sizes.stride == 2 && (sizes.padding[0] != 1 || sizes.padding[2] != 1)) continue;
      std::vector<Pair> pairs;
      for (size_t a = 0; a < lists.size(); ++a)
        for (size_t b = a + 1; b < lists.size(); ++b)
          if (Pair pair{int64_t(a), pick[a], int64_t(b), pick[b]}; open.contains(pair)) pairs.push_back(pair);
      if (pairs.size() <= met.size()) continue;
      best = pick;
      met = pairs;
    }
    for (const Pair& pair : met)
      open.erase(pair);
    if (!best.empty()) cases.push_back(caseOf(best));
  }
  return cases;
}

class Winograd : public ::testing::TestWithParam<const char*> {
protected:
  CpuTarget target_ = targetNamed(GetParam());
  void SetUp() override {
    if (!canRun(target_)) GTEST_SKIP() << "this machine cannot run " << GetParam();
  }

  void expectAgreement(const Case& c) {
    SCOPED_TRACE(::testing::Message() << c);
    CompiledKernels kernels({kernelOf(c.product, c.sizes)}, target_, winogradEmission(c.algorithm));
    std::vector<Tensor> arguments = argumentsOf(c.product, c.sizes);
    std::vector<Tensor> got = kernels.run(0, arguments), expected = kernels.expected(0, arguments);
    EXPECT_LE(relativeRms(got[0], expected[0]), 2e-6);
    expectClose(got, expected, 1e-4);
  }
};

constexpr ConvolutionProduct kProducts[] = {ConvolutionProduct::forward, ConvolutionProduct::dataGradient,
                                            ConvolutionProduct::weightGradient};

TEST_P(Winograd, AgreesWithTheReferenceOverPairsOfSizes) {
  for (const Case& c : pairwiseCases()) {
    expectAgreement(c);
    if (HasFailure()) return;
  }
}

TEST_P(Winograd, AgreesWithTheReferenceOnEverySide) {
  int64_t round = 0;
  for (int64_t side : {8, 10, 11, 12, 13, 14, 15, 16, 17, 32}) {
    expectAgreement({kProducts[round % 3], ConvolutionAlgorithm::winograd4x4, {3, side, side, 5, 20}});
    expectAgreement({kProducts[(round++ + 1) % 3], ConvolutionAlgorithm::winogradStride2,
                     sizesFor(ConvolutionAlgorithm::winogradStride2, {3, side, side, 5, 20})});
    if (HasFailure()) return;
  }
}

/// More images than a unit, more outputs than a slice and a block.
TEST_P(Winograd, AgreesWithTheReferenceOnManyImagesAndOutputs) {
  for (ConvolutionProduct product : kProducts) {
    for (ConvolutionAlgorithm algorithm :
         {ConvolutionAlgorithm::winograd4x4, ConvolutionAlgorithm::winogradStride2}) {
      expectAgreement({product, algorithm, sizesFor(algorithm, {41, 4, 6, 4, 8})});
      expectAgreement({product, algorithm, sizesFor(algorithm, {2, 4, 4, 19, 277})});
    }
    expectAgreement({product, ConvolutionAlgorithm::winograd2x2, {2, 2, 2, 140, 256}});
  }
}

std::vector<Tensor> firstImages(const std::vector<Tensor>& arguments, int64_t images) {
  std::vector<Tensor> cut;
  for (const Tensor& whole : arguments) {
    Shape shape = whole.shape();
    shape[0] = images;
    Tensor part(Element::f32, shape);
    std::copy_n(whole.reals().begin(), part.size(), part.reals().begin());
    cut.push_back(part);
  }
  return cut;
}

TEST_P(Winograd, BitsDoNotDependOnChunks) {
  for (ConvolutionProduct product : kProducts)
    for (ConvolutionAlgorithm algorithm : kAlgorithms) {
      Convolution3x3 s = sizesFor(algorithm, {37, 7, 5, 17, 35});
      CompiledKernels kernels({kernelOf(product, s)}, target_, winogradEmission(algorithm));
      std::vector<Tensor> arguments = argumentsOf(product, s), whole = kernels.run(0, arguments, 1);
      for (int64_t chunks : {2, 5, 37, 64})
        expectSame(kernels.run(0, arguments, chunks), whole);
    }
}

// Many channels make large sums: they grow no faster than the images of a launch.
TEST_P(Winograd, SumsOfAWeightGradientTakeAQuarterOfTheImages) {
  for (Convolution3x3 s : {Convolution3x3{128, 28, 28, 512, 512}, Convolution3x3{128, 32, 32, 160, 160},
                           Convolution3x3{128, 8, 8, 640, 640}}) {
    CompiledKernels kernels({kernelOf(ConvolutionProduct::weightGradient, s)}, target_,
                            winogradEmission(ConvolutionAlgorithm::winograd4x4));
    uint64_t sums = 0, weights = 9 * s.channels * s.outputs * sizeof(float);
    for (const Temporary& temporary : kernels.info(0).temporaries)
      sums += temporary.bytes * temporary.per.count(s.images);
    uint64_t images = s.images * s.height * s.width * (s.channels + s.outputs) * sizeof(float);
    EXPECT_LE(sums, images / 4 + 2 * weights) << s.channels << " channels";
  }
}

TEST_P(Winograd, BitsOfAnImageDoNotDependOnTheBatch) {
  for (ConvolutionProduct product : {ConvolutionProduct::forward, ConvolutionProduct::dataGradient})
    for (ConvolutionAlgorithm algorithm :
         {ConvolutionAlgorithm::winograd4x4, ConvolutionAlgorithm::winogradStride2}) {
      Convolution3x3 many = sizesFor(algorithm, {9, 6, 9, 17, 35}), few = many;
      few.images = 2;
      CompiledKernels kernels({kernelOf(product, many), kernelOf(product, few)}, target_,
                              winogradEmission(algorithm));
      EXPECT_EQ(kernels.info(0).scratchBytes, kernels.info(1).scratchBytes);
      std::vector<Tensor> arguments = argumentsOf(product, many), cut = arguments;
      cut[0] = firstImages({arguments[0]}, 2)[0];
      expectSame(kernels.run(1, cut), firstImages(kernels.run(0, arguments), 2));
    }
}

/// Batch norm and ReLU in the loads, whose padding stays zero; a residual in the stores.
TEST_P(Winograd, MapsAroundTheConvolutionAreFused) {
  Convolution3x3 s{2, 6, 5, 19, 21};
  std::string x = tensorText(s.x()), w = tensorText(s.w()), y = tensorText(s.y()), c = "tensor<19xf32>";
  std::string prologue = "%s = tailor.broadcast %scale dims([3]) : " + c + " to " + x +
                         "\n%b = tailor.broadcast %shift dims([3]) : " + c + " to " + x +
                         "\n%m = tailor.mul %x, %s : " + x + "\n%n = tailor.add %m, %b : " + x +
                         "\n%a = tailor.relu %n : " + x + "\n";
  KernelText forward{"map", "%x: " + x + ", %scale: " + c + ", %shift: " + c + ", %w: " + w + ", %res: " + y,
                     prologue + "%v = tailor.neg %w : " + w + "\n%r = tailor.conv2d %a, %v" + wordsOf(s) +
                         "(" + x + ", " + w + ") -> " + y + "\n%o = tailor.add %r, %res : " + y,
                     "%r, %o", y + ", " + y};
  KernelText weights{"map", "%x: " + x + ", %scale: " + c + ", %shift: " + c + ", %dy: " + y,
                     prologue + "%d = tailor.neg %dy : " + y + "\n%r = tailor.conv2d_weight_grad %a, %d" +
                         wordsOf(s) + "(" + x + ", " + y + ") -> " + w,
                     "%r", w};
  CompiledKernels kernels({forward, weights}, target_, winogradEmission(ConvolutionAlgorithm::winograd4x4));
  Tensor scale = draw(Element::f32, {19}, 0.5, 1.5, 7), shift = draw(Element::f32, {19}, -1, 1, 8);
  std::vector<Tensor> xw = argumentsOf(ConvolutionProduct::forward, s),
                      residual{draw(Element::f32, s.y(), -1, 1, 9)};
  std::vector<Tensor> arguments{xw[0], scale, shift, xw[1], residual[0]};
  expectClose(kernels.run(0, arguments, 2), kernels.expected(0, arguments), 1e-4);
  arguments = {xw[0], scale, shift, residual[0]};
  expectClose(kernels.run(1, arguments, 2), kernels.expected(1, arguments), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Targets, Winograd, ::testing::Values("cpu:x86-64-v3", "cpu:native"),
                         [](const auto& info) {
                           return std::string(info.param) == "cpu:native" ? "native" : "avx2";
                         });

/// A prime number of channels, or twice one, is no sum of equal chains but of one channel or two.
TEST(WinogradPlanTest, ChainsAreLongWhateverTheChannels) {
  for (int64_t channels = 1; channels <= 2100; ++channels) {
    ConvolutionProblem problem;
    problem.channels = channels, problem.outputs = 16;
    problem.image = problem.output = {8, 8};
    problem.kernel = {3, 3}, problem.paddingLow = problem.paddingHigh = {1, 1};
    const int64_t chain = planWinograd(problem, winograd4x4(), targetNamed("cpu:x86-64-v3")).chainChannels;
    EXPECT_LE(chain, 256) << channels;
    EXPECT_GE(chain, std::min<int64_t>(channels, 64)) << channels;
  }
}

TEST_P(Winograd, AShorterLastChainIsAdded) {
  for (ConvolutionAlgorithm algorithm : kAlgorithms)
    for (ConvolutionProduct product : {ConvolutionProduct::forward, ConvolutionProduct::dataGradient})
      expectAgreement({product, algorithm, sizesFor(algorithm, {2, 5, 4, 257, 263})});
}

/// Every 3 x 3 layer of wrn-28-10: as exact as a direct sum in f32.
TEST(WinogradError, IsAtMostTwoMillionthsOnTheLayersOfWrn28x10) {
  const Convolution3x3 layers[] = {{1, 32, 32, 16, 160},
                                   {1, 32, 32, 160, 160},
                                   {1, 16, 16, 320, 320},
                                   {1, 8, 8, 640, 640},
                                   {1, 32, 32, 160, 320, {1, 1, 1, 1}, 2},
                                   {1, 16, 16, 320, 640, {1, 1, 1, 1}, 2}};
  for (const Convolution3x3& s : layers)
    for (ConvolutionProduct product : kProducts) {
      ConvolutionAlgorithm algorithm =
          s.stride == 2 ? ConvolutionAlgorithm::winogradStride2 : ConvolutionAlgorithm::winograd4x4;
      CompiledKernels kernels({kernelOf(product, s)}, nativeTarget(), winogradEmission(algorithm));
      std::vector<Tensor> arguments = argumentsOf(product, s);
      double error = relativeRms(kernels.run(0, arguments)[0], kernels.expected(0, arguments)[0]);
      EXPECT_LE(error, 2e-6) << Case{product, algorithm, s};
      EXPECT_GT(error, 1e-8) << "it is not f32";
    }
}

} // namespace
} // namespace tailor::backend::testing
