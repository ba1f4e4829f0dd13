// slice, pad and concat of images inside kernels of target cpu against the reference: vectors of channels that start in
// the middle of another, positions that exist in no operand; the same bits in any chunks.

#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

constexpr const char *kWide = "tensor<5x6x8x20xf32>", *kNarrow = "tensor<5x3x4x37xf32>";

/// Every second position, 9 channels of zeros before and 8 behind.
const std::string kShortcut =
    "%s = tailor.slice %x from([0, 0, 0, 0]) to([5, 6, 8, 20]) by([1, 2, 2, 1]) : tensor<5x6x8x20xf32> to "
    "tensor<5x3x4x20xf32>\n"
    "%p = tailor.pad %s low([0, 0, 0, 9]) high([0, 0, 0, 8]) interior([0, 0, 0, 0]) : tensor<5x3x4x20xf32> "
    "to "
    "tensor<5x3x4x37xf32>\n";

/// Its gradient.
const std::string kShortcutGradient =
    "%s = tailor.slice %g from([0, 0, 0, 9]) to([5, 3, 4, 29]) by([1, 1, 1, 1]) : tensor<5x3x4x37xf32> to "
    "tensor<5x3x4x20xf32>\n"
    "%p = tailor.pad %s low([0, 0, 0, 0]) high([0, 1, 1, 0]) interior([0, 1, 1, 0]) : tensor<5x3x4x20xf32> "
    "to "
    "tensor<5x6x8x20xf32>\n";

const std::string kConcat =
    "%c = tailor.concat %x, %z, %x dim(3) : (tensor<5x6x8x20xf32>, tensor<5x6x8x3xf32>, "
    "tensor<5x6x8x20xf32>) -> tensor<5x6x8x43xf32>\n"
    "%h = tailor.relu %c : tensor<5x6x8x43xf32>\n";

std::string join(const std::string& name, const std::string& type) {
  return name + ": " + type;
}

class Movement : public ::testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    if (!canRun(targetNamed(GetParam()))) GTEST_SKIP() << "this machine cannot run code for " << GetParam();
  }

  void check(const KernelText& text, const std::vector<Tensor>& arguments) {
    SCOPED_TRACE(text.ops);
    CompiledKernels kernels({text}, targetNamed(GetParam()));
    const std::vector<Tensor> got = kernels.run(0, arguments);
    expectClose(got, kernels.expected(0, arguments), 1e-5);
    expectSame(kernels.run(0, arguments, kernels.info(0).units.count(5)), got);
    EXPECT_EQ(kernels.info(0).oneUnit, "");
  }

  const Tensor x_ = draw(Element::f32, {5, 6, 8, 20}, -1, 1, 1),
               y_ = draw(Element::f32, {5, 3, 4, 37}, -1, 1, 2),
               z_ = draw(Element::f32, {5, 6, 8, 3}, -1, 1, 3);
};

TEST_P(Movement, MapsReadOtherPositions) {
  check({"map", join("%x", kWide) + ", " + join("%y", kNarrow),
         kShortcut +
             "%a = tailor.add %p, %y : tensor<5x3x4x37xf32>\n%r = tailor.relu %a : tensor<5x3x4x37xf32>",
         "%r", kNarrow},
        {x_, y_});
  check({"map", join("%g", kNarrow) + ", " + join("%x", kWide),
         kShortcutGradient + "%r = tailor.add %p, %x : tensor<5x6x8x20xf32>", "%r", kWide},
        {y_, x_});
  check({"map", join("%x", kWide) + ", " + join("%z", "tensor<5x6x8x3xf32>"), kConcat, "%h",
         "tensor<5x6x8x43xf32>"},
        {x_, z_});
}

TEST_P(Movement, AloneAndWithOtherValues) {
  check({"single", join("%x", kWide),
         "%r = tailor.pad %x low([0, 1, 0, 5]) high([0, 0, 2, 1]) interior([0, 0, 3, 0]) value(0.5) : "
         "tensor<5x6x8x20xf32> to tensor<5x7x31x26xf32>",
         "%r", "tensor<5x7x31x26xf32>"},
        {x_});
  check(
      {"single", join("%x", kWide),
       "%r = tailor.slice %x from([0, 1, 2, 3]) to([5, 6, 8, 20]) by([1, 2, 3, 2]) : tensor<5x6x8x20xf32> to "
       "tensor<5x3x2x9xf32>",
       "%r", "tensor<5x3x2x9xf32>"},
      {x_});
  check({"single", join("%x", kWide),
         "%r = tailor.concat %x, %x dim(2) : (tensor<5x6x8x20xf32>, tensor<5x6x8x20xf32>) -> "
         "tensor<5x6x16x20xf32>",
         "%r", "tensor<5x6x16x20xf32>"},
        {x_});
}

TEST_P(Movement, InTheLoadsOfConvolutionsAndSums) {
  for (const char* kernel : {"3x3", "1x1"}) { // winograd, implicit GEMM
    const std::string weight = "tensor<7x43x" + std::string(kernel) + "xf32>";
    const std::string padding = kernel[0] == '3' ? "padding([1, 1, 1, 1])" : "padding([0, 0, 0, 0])";
    check({"convolution",
           join("%x", kWide) + ", " + join("%z", "tensor<5x6x8x3xf32>") + ", " + join("%w", weight),
           kConcat + "%r = tailor.conv2d %h, %w strides([1, 1]) " + padding +
               " dilation([1, 1]) : (tensor<5x6x8x43xf32>, " + weight + ") -> tensor<5x6x8x7xf32>",
           "%r", "tensor<5x6x8x7xf32>"},
          {x_, z_, draw(Element::f32, {7, 43, kernel[0] - '0', kernel[0] - '0'}, -0.2, 0.2, 4)});
  }
  check({"channels", join("%x", kWide),
         kShortcut + "%m, %v = tailor.batch_norm_statistics %p : (tensor<5x3x4x37xf32>) -> (tensor<37xf32>, "
                     "tensor<37xf32>)",
         "%m, %v", "tensor<37xf32>, tensor<37xf32>"},
        {x_});
}

TEST_P(Movement, InTheStoresOfADataGradient) {
  for (const char* strides : {"strides([1, 1])", "strides([2, 2])"}) {
    const bool strided = strides[9] == '2';
    const std::string dy = strided ? "tensor<5x3x4x24xf32>" : "tensor<5x6x8x24xf32>",
                      w = "tensor<24x20x3x3xf32>";
    check(
        {"convolution", join("%dy", dy) + ", " + join("%w", w) + ", " + join("%g", kNarrow),
         kShortcutGradient + "%d = tailor.conv2d_data_grad %dy, %w " + strides +
             " padding([1, 1, 1, 1]) dilation([1, 1]) : (" + dy + ", " + w + ") -> " + kWide +
             "\n%r = tailor.add %p, %d : " + kWide,
         "%r", kWide},
        {strided ? draw(Element::f32, {5, 3, 4, 24}, -1, 1, 5) : draw(Element::f32, {5, 6, 8, 24}, -1, 1, 5),
         draw(Element::f32, {24, 20, 3, 3}, -0.2, 0.2, 6), y_});
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Movement, ::testing::Values("cpu:x86-64-v3", "cpu:native"),
                         [](const auto& info) {
                           return std::string(info.param) == "cpu:native" ? "native" : "avx2";
                         });

} // namespace
} // namespace tailor::backend::testing
