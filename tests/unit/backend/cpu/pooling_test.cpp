// Image pooling of target cpu against the reference, with channels that fill no whole vector, and the same bits in any
// chunks.

#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tailor::backend::testing {
namespace {

constexpr const char* kImage = "tensor<5x7x9x20xf32>";

/// Windows of 3 x 2, strides 2 x 3, padding above and on the left: 4 x 4 of them, the last column beyond the image.
KernelText pool(const std::string& op, bool hasImage, bool hasGradient, const std::string& words = "") {
  const std::string pooled = "tensor<5x4x4x20xf32>", result = hasGradient ? kImage : pooled;
  std::string arguments, names, types;
  auto add = [&](const std::string& name, const std::string& type) {
    const char* between = names.empty() ? "" : ", ";
    arguments += between + name + ": " + type, names += between + name, types += between + type;
  };
  if (hasImage) add("%x", kImage);
  if (hasGradient) add("%g", pooled);
  return {"single", arguments,
          "%r = tailor." + op + " " + names +
              " window([3, 2]) strides([2, 3]) padding([1, 0, 1, 0]) ceil_mode " + words + " : (" + types +
              ") -> " + result,
          "%r", result};
}

class PoolingTest : public ::testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    if (!canRun(targetNamed(GetParam()))) GTEST_SKIP() << "this machine cannot run code for " << GetParam();
  }
};

TEST_P(PoolingTest, AgreesWithTheReferenceInAnyChunks) {
  const std::vector<KernelText> texts = {pool("max_pool2d", true, false),
                                         pool("avg_pool2d", true, false),
                                         pool("avg_pool2d", true, false, "count_include_pad"),
                                         pool("max_pool2d_grad", true, true),
                                         pool("avg_pool2d_grad", false, true),
                                         pool("avg_pool2d_grad", false, true, "count_include_pad")};
  CompiledKernels kernels(texts, targetNamed(GetParam()));
  const Tensor x = draw(Element::f32, {5, 7, 9, 20}, -1, 1, 1),
               g = draw(Element::f32, {5, 4, 4, 20}, -1, 1, 2);
  const std::vector<std::vector<Tensor>> arguments = {{x}, {x}, {x}, {x, g}, {g}, {g}};
  for (size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE(texts[i].ops);
    const std::vector<Tensor> got = kernels.run(i, arguments[i]);
    expectClose(got, kernels.expected(i, arguments[i]), 1e-6);
    expectSame(kernels.run(i, arguments[i], kernels.info(i).units.count(5)), got);
  }
}

TEST_P(PoolingTest, NanIsNotLostInAMaximum) {
  const std::vector<KernelText> texts = {pool("max_pool2d", true, false),
                                         pool("max_pool2d_grad", true, true)};
  CompiledKernels kernels(texts, targetNamed(GetParam()));
  Tensor x = draw(Element::f32, {5, 7, 9, 20}, -1, 1, 1);
  const Tensor g = draw(Element::f32, {5, 4, 4, 20}, -1, 1, 2);
  for (int64_t i = 0; i < x.size(); i += 37)
    x.reals()[i] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Tensor> largest = kernels.run(0, {x});
  expectClose(largest, kernels.expected(0, {x}), 1e-6);
  int64_t found = 0;
  for (double value : largest[0].reals())
    found += std::isnan(value);
  EXPECT_GT(found, 0);
  expectClose(kernels.run(1, {x, g}), kernels.expected(1, {x, g}), 1e-6);
}

/// Of two NaN in a window the first is the largest element; PyTorch takes the last.
TEST_P(PoolingTest, TheGradientGoesToTheFirstNan) {
  const std::string image = "tensor<1x1x3x4xf32>", pooled = "tensor<1x1x1x4xf32>";
  const KernelText text{
      "single", "%x: " + image + ", %g: " + pooled,
      "%r = tailor.max_pool2d_grad %x, %g window([1, 3]) strides([1, 1]) padding([0, 0, 0, 0]) : (" + image +
          ", " + pooled + ") -> " + image,
      "%r", image};
  CompiledKernels kernels({text}, targetNamed(GetParam()));
  Tensor x = draw(Element::f32, {1, 1, 3, 4}, -1, 1, 1), g = draw(Element::f32, {1, 1, 1, 4}, 1, 2, 2);
  for (int64_t i : {4, 5, 8, 9}) // the second and third pixel, two channels
    x.reals()[i] = std::numeric_limits<double>::quiet_NaN();
  for (const Tensor& dx : {kernels.run(0, {x, g})[0], kernels.expected(0, {x, g})[0]})
    for (int64_t channel : {0, 1}) {
      EXPECT_EQ(dx.at(4 + channel), g.at(channel));
      EXPECT_EQ(dx.at(channel), 0);
      EXPECT_EQ(dx.at(8 + channel), 0);
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, PoolingTest, ::testing::Values("cpu:x86-64-v3", "cpu:x86-64-v4"),
                         [](const auto& info) { return info.index == 0 ? "Avx2" : "Avx512"; });

} // namespace
} // namespace tailor::backend::testing
