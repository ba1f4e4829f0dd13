// Convolutions of target cpu against the reference, over a pairwise covering set of shapes, at both vector widths; the
// same bits whatever the chunks and the batch.

#include "backend/cpu/KernelCompiler.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"
#include "tests/unit/backend/cpu/harness/convolution_shapes.h"

#include <gtest/gtest.h>

#include <limits>

namespace tailor::backend::testing {
namespace {

/// Every result against the reference, and the same bits in other chunks.
void check(const std::vector<Convolution>& shapes, const CpuTarget& target) {
  std::vector<KernelText> texts;
  for (const Convolution& shape : shapes)
    for (KernelText& text : kernelTexts(shape))
      texts.push_back(std::move(text));
  CompiledKernels kernels(texts, target);
  for (size_t i = 0; i < shapes.size(); ++i) {
    std::vector<std::vector<Tensor>> arguments = drawArguments(shapes[i]);
    for (size_t product = 0; product < 3; ++product) {
      size_t kernel = 3 * i + product;
      SCOPED_TRACE(nameOf(shapes[i]) + (product == 0   ? " forward"
                                        : product == 1 ? " data gradient"
                                                       : " weight gradient"));
      std::vector<Tensor> got = kernels.run(kernel, arguments[product]);
      expectAccurate(got[0], kernels.expected(kernel, arguments[product])[0]);
      int64_t units = kernels.info(kernel).units.count(shapes[i].images);
      expectSame(kernels.run(kernel, arguments[product], units), got);
      if (units > 2) expectSame(kernels.run(kernel, arguments[product], units - 1), got);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

class ConvolutionTest : public ::testing::TestWithParam<const char*> {
protected:
  CpuTarget target() { return targetNamed(GetParam()); }
  void SetUp() override {
    if (!canRun(target())) GTEST_SKIP() << "this machine cannot run code for " << GetParam();
  }
};

TEST_P(ConvolutionTest, NamedShapesAgreeWithTheReference) {
  check(namedShapes(), target());
}

TEST_P(ConvolutionTest, ACoveringSetAgreesWithTheReference) {
  check(coveringSet(), target());
}

TEST_P(ConvolutionTest, BitsOfAnImageDoNotDependOnTheBatch) {
  Convolution whole{.images = 11, .height = 9, .channels = 20, .outputs = 40, .strideWidth = 2};
  Convolution part = whole;
  part.images = 3;
  std::vector<KernelText> texts = kernelTexts(whole);
  for (KernelText& text : kernelTexts(part))
    texts.push_back(std::move(text));
  CompiledKernels kernels(texts, target());
  std::vector<std::vector<Tensor>> all = drawArguments(whole), few = drawArguments(part);
  for (size_t product : {0, 1}) { // weights, the second argument, are equal
    EXPECT_TRUE(kernels.info(3 + product).reused);
    constexpr int64_t kFirst = 6;
    Tensor &from = all[product][0], &to = few[product][0];
    int64_t elements = to.size() / part.images;
    for (int64_t i = 0; i < to.size(); ++i)
      to.reals()[i] = from.reals()[kFirst * elements + i];
    Tensor large = kernels.run(product, all[product])[0], small = kernels.run(3 + product, few[product])[0];
    elements = small.size() / part.images;
    for (int64_t i = 0; i < small.size(); ++i)
      ASSERT_EQ(small.reals()[i], large.reals()[kFirst * elements + i]) << i;
  }
}

TEST_P(ConvolutionTest, PaddingIsSkippedNotMultiplied) {
  // An infinite weight would make NaN of a padding that takes part as zero.
  // Winograd's transforms mix the elements of a tile: there it does.
  Convolution shape{.height = 4, .width = 4};
  std::vector<KernelText> texts = kernelTexts(shape);
  for (KernelText& text : texts)
    text.ops.insert(text.ops.find(" : "), " {algorithm = \"implicit_gemm\"}");
  CompiledKernels kernels(texts, target());
  std::vector<std::vector<Tensor>> arguments = drawArguments(shape);
  arguments[0][1].reals()[0] = std::numeric_limits<double>::infinity();
  arguments[1][1].reals()[0] = std::numeric_limits<double>::infinity();
  for (size_t product : {0, 1})
    expectClose(kernels.run(product, arguments[product]), kernels.expected(product, arguments[product]),
                1e-5);
}

/// Batch norm in the loads and a mask of rows in the stores leave the pixels of a 1 x 1 convolution one row; what stands
/// in only some of an image's pixels does not.
TEST_P(ConvolutionTest, MapsAroundAConvolutionOfPixels) {
  const std::string x = "tensor<3x5x7x20xf32>", w = "tensor<24x20x1x1xf32>", y = "tensor<3x5x7x24xf32>",
                    c = "tensor<20xf32>", row = "tensor<5x7xf32>", mask = "tensor<3xf32>";
  const std::string convolution =
      "%r = tailor.conv2d %a, %w strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1]) "
      "groups(1) : (" +
      x + ", " + w + ") -> " + y + "\n";
  const KernelText joined{
      "convolution", "%x: " + x + ", %m: " + c + ", %f: " + c + ", %b: " + c + ", %w: " + w + ", %n: " + mask,
      "%p = tailor.batch_norm_apply %x, %m, %f, %b : (" + x + ", " + c + ", " + c + ", " + c + ") -> " + x +
          "\n%a = tailor.relu %p : " + x + "\n" + convolution +
          "%s = tailor.broadcast %n dims([0]) : " + mask + " to " + y + "\n%o = tailor.mul %r, %s : " + y,
      "%o", y};
  const KernelText apart{"convolution", "%x: " + x + ", %q: " + row + ", %w: " + w,
                         "%s = tailor.broadcast %q dims([1, 2]) : " + row + " to " + x +
                             "\n%a = tailor.mul %x, %s : " + x + "\n" + convolution,
                         "%r", y};
  CompiledKernels kernels({joined, apart}, target());
  const Tensor image = draw(Element::f32, {3, 5, 7, 20}, -1, 1, 1),
               weight = draw(Element::f32, {24, 20, 1, 1}, -1, 1, 2);
  auto vectorOf = [](unsigned seed) { return draw(Element::f32, {20}, 0.5, 1.5, seed); };
  const std::vector<std::vector<Tensor>> arguments{
      {image, vectorOf(3), vectorOf(4), vectorOf(5), weight, draw(Element::f32, {3}, -1, 1, 6)},
      {image, draw(Element::f32, {5, 7}, -1, 1, 7), weight}};
  for (size_t kernel : {0, 1})
    expectClose(kernels.run(kernel, arguments[kernel], 2), kernels.expected(kernel, arguments[kernel]), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Targets, ConvolutionTest, ::testing::Values("cpu:x86-64-v3", "cpu:x86-64-v4"),
                         [](const auto& info) { return info.index == 0 ? "Avx2" : "Avx512"; });

} // namespace
} // namespace tailor::backend::testing
