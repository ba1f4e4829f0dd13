// Values stored in bf16: kernels widen what they read, compute in f32, and round what they store.

#include "tests/unit/backend/cpu/harness/check_kernels.h"

#include <cmath>
#include <limits>

namespace tailor::backend::testing {
namespace {

Tensor bf16s(Shape shape, unsigned seed = 1) {
  Tensor tensor = draw(Element::bf16, std::move(shape), -2, 2, seed);
  tensor.roundToElement();
  return tensor;
}

/// Stored results are within a rounding of what f32 says; chunks change no bit.
void checkStored(const KernelText& text, const std::vector<Tensor>& arguments) {
  check(text, arguments, 0x1p-8);
}

TEST(Bf16Storage, MapsWidenAndRound) {
  KernelText text{"map", "%x: tensor<{N}x{C}xbf16>, %b: tensor<{C}xf32>",
                  R"(%w = tailor.cast %x : tensor<{N}x{C}xbf16> to tensor<{N}x{C}xf32>
                     %bb = tailor.broadcast %b dims([1]) : tensor<{C}xf32> to tensor<{N}x{C}xf32>
                     %a = tailor.add %w, %bb : tensor<{N}x{C}xf32>
                     %t = tailor.tanh %a : tensor<{N}x{C}xf32>
                     %r = tailor.cast %t : tensor<{N}x{C}xf32> to tensor<{N}x{C}xbf16>)",
                  "%r, %a", "tensor<{N}x{C}xbf16>, tensor<{N}x{C}xf32>"};
  for (auto [n, c] : kSizes)
    checkStored(sized(text, n, c), {bf16s({n, c}), floats({c}, 2)});
}

TEST(Bf16Storage, ValuesBetweenTwoNumbersAreRoundedToEven) {
  KernelText text{"map", "%x: tensor<8xf32>",
                  R"(%h = tailor.cast %x : tensor<8xf32> to tensor<8xbf16>
                     %r = tailor.cast %h : tensor<8xbf16> to tensor<8xf32>)",
                  "%r", "tensor<8xf32>"};
  CompiledKernels kernels({text}, nativeTarget());
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> x{1 + 0x1p-8,     1 + 0x3p-8, 1 + 0x1.1p-8, -inf,
                              0x1.fffffep127, -0.0,       0x1p-133,     std::nan("")};
  const std::vector<double> expected{1, 1 + 0x1p-6, 1 + 0x1p-7, -inf, inf, -0.0, 0x1p-133, std::nan("")};
  expectSame(kernels.run(0, {Tensor::real({8}, x, Element::f32)}),
             {Tensor::real({8}, expected, Element::f32)});
}

TEST(Bf16Storage, ProductsReadBothOrders) {
  for (auto [n, c] : {std::pair{1, 1}, {17, 9}, {5, 100}, {40, 70}}) {
    const std::string wide = R"(
                     %a = tailor.cast %x : tensor<{N}x{C}xbf16> to tensor<{N}x{C}xf32>
                     %b = tailor.cast %w : tensor<WEIGHTxbf16> to tensor<WEIGHTxf32>
                     %d = tailor.dot %a, %b contract([1] x [SIDE]) : (tensor<{N}x{C}xf32>, tensor<WEIGHTxf32>) -> tensor<{N}x19xf32>
                     %r = tailor.cast %d : tensor<{N}x19xf32> to tensor<{N}x19xbf16>)";
    for (const bool transposed : {false, true}) {
      const std::string weight = transposed ? "19x" + std::to_string(c) : std::to_string(c) + "x19";
      KernelText text{"gemm", "%x: tensor<{N}x{C}xbf16>, %w: tensor<" + weight + "xbf16>",
                      replaceAll(replaceAll(wide, "WEIGHT", weight), "SIDE", transposed ? "1" : "0"), "%r",
                      "tensor<{N}x19xbf16>"};
      checkStored(sized(text, n, c), {bf16s({n, c}), bf16s(transposed ? Shape{19, c} : Shape{c, 19}, 2)});
    }
    // The gradient of the weights: a sum over the rows, in f32.
    KernelText gradient{"gemm", "%x: tensor<{N}x{C}xbf16>, %dz: tensor<{N}x19xbf16>",
                        R"(%a = tailor.cast %x : tensor<{N}x{C}xbf16> to tensor<{N}x{C}xf32>
                           %b = tailor.cast %dz : tensor<{N}x19xbf16> to tensor<{N}x19xf32>
                           %r = tailor.dot %a, %b contract([0] x [0]) : (tensor<{N}x{C}xf32>, tensor<{N}x19xf32>) -> tensor<{C}x19xf32>)",
                        "%r", "tensor<{C}x19xf32>"};
    check(sized(gradient, n, c), {bf16s({n, c}), bf16s({n, 19}, 2)});
  }
}

TEST(Bf16Storage, ConvolutionsComputeInTheirLoadsAndStores) {
  const std::string image = "tensor<3x6x6x20x", weight = "tensor<20x20x3x3x";
  KernelText text{
      "convolution", "%x: " + image + "bf16>, %w: " + weight + "bf16>",
      "%a = tailor.cast %x : " + image + "bf16> to " + image + "f32>\n%b = tailor.cast %w : " + weight +
          "bf16> to " + weight +
          "f32>\n%c = tailor.conv2d %a, %b strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (" +
          image + "f32>, " + weight + "f32>) -> " + image + "f32>\n%r = tailor.cast %c : " + image +
          "f32> to " + image + "bf16>",
      "%r", image + "bf16>"};
  checkStored(text, {bf16s({3, 6, 6, 20}), bf16s({20, 20, 3, 3}, 2)});
}

} // namespace
} // namespace tailor::backend::testing
