// Reductions over images and their positions: values against the f64 reference, the same bits in any chunks.

#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

Tensor floats(Shape shape, unsigned seed, double low = -2, double high = 2) {
  return draw(Element::f32, std::move(shape), low, high, seed);
}

std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// `{X}` becomes the type of the images, `{C}` that of their vectors.
KernelText sized(KernelText text, const Shape& shape) {
  std::string images = "tensor<";
  for (int64_t size : shape)
    images += std::to_string(size) + "x";
  for (std::string* part : {&text.arguments, &text.ops, &text.results}) {
    *part = replaceAll(*part, "{X}", images + "f32>");
    *part = replaceAll(*part, "{M}", images + "i1>");
    *part = replaceAll(*part, "{C}", "tensor<" + std::to_string(shape.back()) + "xf32>");
  }
  return text;
}

/// Against the reference with `tolerance` times (1 + |expected|), and the same bits however the images are divided.
void check(const KernelText& text, const std::vector<Tensor>& arguments, double tolerance) {
  for (const char* target : {"cpu:native", "cpu:x86-64-v3"}) {
    SCOPED_TRACE(target);
    CompiledKernels kernels({text}, targetNamed(target));
    std::vector<Tensor> once = kernels.run(0, arguments);
    expectClose(once, kernels.expected(0, arguments), tolerance);
    for (int64_t chunks : {int64_t(2), int64_t(3), arguments.front().dim(0)})
      if (chunks > 1) expectSame(kernels.run(0, arguments, chunks), once);
    if (::testing::Test::HasFailure()) return;
  }
}

const KernelText kStatistics{
    "channels", "%x: {X}, %v: tensor<i32>",
    "%m, %var = tailor.batch_norm_statistics %x valid(%v) : ({X}, tensor<i32>) -> ({C}, {C})", "%m, %var",
    "{C}, {C}"};

/// dReLU before the sums of a batch norm's gradient, as FuseConvolutions leaves it.
const KernelText kGradStatistics{
    "channels", "%dh: {X}, %x: {X}, %m: {C}, %i: {C}, %f: {C}, %b: {C}, %v: tensor<i32>",
    R"(%y = tailor.batch_norm_apply %x, %m, %f, %b valid(%v) : ({X}, {C}, {C}, {C}, tensor<i32>) -> {X}
       %h = tailor.relu %y : {X}
       %zero = tailor.constant dense<0.0> : {X}
       %on = tailor.compare %h ne %zero : {X}
       %dy = tailor.where %on, %dh, %zero : {M}, {X}
       %ds, %db = tailor.batch_norm_grad_statistics %dy, %x, %m, %i valid(%v)
         : ({X}, {X}, {C}, {C}, tensor<i32>) -> ({C}, {C}))",
    "%ds, %db", "{C}, {C}"};

const std::vector<Shape> kShapes = {{3, 4, 4, 16}, {5, 3, 7, 17}, {4, 1, 1, 5}, {2, 9, 5, 70},
                                    {6, 2, 1},     {7, 3, 33},    {9, 40},      {3, 8, 2, 64},
                                    {1, 5, 5, 1},  {2, 2, 3, 130}};

TEST(ChannelsKernel, StatisticsOfImages) {
  for (const Shape& shape : kShapes)
    for (int64_t valid : {int64_t(0), int64_t(1), shape[0] / 2, shape[0]}) {
      SCOPED_TRACE(::testing::PrintToString(shape) + " valid " + std::to_string(valid));
      check(sized(kStatistics, shape), {floats(shape, 1), Tensor::integer({}, {valid})}, 2e-6);
      if (HasFailure()) return;
    }
}

TEST(ChannelsKernel, SumsOfAGradientBehindItsMask) {
  for (const Shape& shape : kShapes)
    for (int64_t valid : {int64_t(0), shape[0] / 2, shape[0]}) {
      SCOPED_TRACE(::testing::PrintToString(shape) + " valid " + std::to_string(valid));
      const Shape channels{shape.back()};
      check(sized(kGradStatistics, shape),
            {floats(shape, 1), floats(shape, 2), floats(channels, 3, -0.5, 0.5), floats(channels, 4, 0.5, 2),
             floats(channels, 5), floats(channels, 6), Tensor::integer({}, {valid})},
            2e-5);
      if (HasFailure()) return;
    }
}

TEST(ChannelsKernel, AVarianceFarBelowTheMeanDoesNotCancel) {
  const Shape shape{6, 8, 8, 20};
  Tensor x = floats(shape, 3, -1.75, 1.75); // deviation 1
  // Images differ by more than their own deviation, channels have means of either sign.
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t image = i / (8 * 8 * 20), channel = i % 20;
    x.reals()[i] = static_cast<float>(x.reals()[i] + (channel % 2 == 0 ? 1e4 : -1e4) + double(image));
  }
  const KernelText text = sized(kStatistics, shape);
  for (const char* target : {"cpu:native", "cpu:x86-64-v3"}) {
    CompiledKernels kernels({text}, targetNamed(target));
    const std::vector<Tensor> arguments{x, Tensor::integer({}, {6})},
        got = kernels.run(0, arguments), expected = kernels.expected(0, arguments);
    for (int64_t c = 0; c < 20; ++c) {
      EXPECT_NEAR(got[0].at(c), expected[0].at(c), 1e-3); // half a unit in the last place of 1e4
      EXPECT_NEAR(got[1].at(c) / expected[1].at(c), 1, 1e-4);
    }
  }
}

TEST(ChannelsKernel, AFirstLineFarFromTheRestKeepsTheVariance) {
  const Shape shape{2, 32, 32, 16};
  Tensor x = floats(shape, 4, -1.75, 1.75);
  for (int64_t i = 0; i < x.size(); ++i)
    if (i / (32 * 16) % 32 == 0) x.reals()[i] = static_cast<float>(x.reals()[i] + 1000);
  CompiledKernels kernels({sized(kStatistics, shape)}, nativeTarget());
  const std::vector<Tensor> arguments{x, Tensor::integer({}, {2})}, got = kernels.run(0, arguments),
                                                                    expected = kernels.expected(0, arguments);
  for (int64_t c = 0; c < 16; ++c)
    EXPECT_NEAR(got[1].at(c) / expected[1].at(c), 1, 5e-5); // 1 + H = 33 times the error of a sum
}

} // namespace
} // namespace tailor::backend::testing
