// Convolutions on simulated GPU threads against the reference, over the shapes of target cpu; what stands before and behind them.

#include "tests/unit/backend/cpu/harness/convolution_shapes.h"
#include "tests/unit/backend/cuda/harness/simulated_kernels.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

void check(const std::vector<Convolution>& shapes) {
  std::vector<KernelText> texts;
  for (const Convolution& shape : shapes)
    for (KernelText& text : kernelTexts(shape))
      texts.push_back(std::move(text));
  SimulatedKernels kernels(texts, "cuda:sm_90");
  for (size_t i = 0; i < shapes.size(); ++i) {
    std::vector<std::vector<Tensor>> arguments = drawArguments(shapes[i]);
    for (size_t product = 0; product < 3; ++product) {
      size_t kernel = 3 * i + product;
      SCOPED_TRACE(nameOf(shapes[i]) + (product == 0   ? " forward"
                                        : product == 1 ? " data gradient"
                                                       : " weight gradient"));
      kernels.setOrder(Order::forward);
      std::vector<Tensor> got = kernels.run(kernel, arguments[product]);
      expectAccurate(got[0], kernels.expected(kernel, arguments[product])[0]);
      kernels.setOrder(Order::reverse);
      expectSame(kernels.run(kernel, arguments[product]), got);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(CudaConvolution, NamedShapesAgreeWithTheReference) {
  check(namedShapes());
}

TEST(CudaConvolution, ACoveringSetAgreesWithTheReference) {
  check(coveringSet());
}

/// Padding is 0 behind what is computed in the loads: a bias there must not enter it.
TEST(CudaConvolution, MapsAroundAConvolution) {
  const std::string x = "tensor<3x5x7x20xf32>", w = "tensor<24x20x3x3xf32>", y = "tensor<3x5x7x24xf32>",
                    c = "tensor<20xf32>", mask = "tensor<3xf32>";
  const KernelText text{
      "convolution", "%x: " + x + ", %m: " + c + ", %f: " + c + ", %b: " + c + ", %w: " + w + ", %n: " + mask,
      "%p = tailor.batch_norm_apply %x, %m, %f, %b : (" + x + ", " + c + ", " + c + ", " + c + ") -> " + x +
          "\n%a = tailor.relu %p : " + x +
          "\n%r = tailor.conv2d %a, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) groups(1) : (" +
          x + ", " + w + ") -> " + y + "\n%s = tailor.broadcast %n dims([0]) : " + mask + " to " + y +
          "\n%o = tailor.mul %r, %s : " + y,
      "%o", y};
  SimulatedKernels kernels({text}, "cuda:sm_90");
  auto vectorOf = [](unsigned seed) { return draw(Element::f32, {20}, 0.5, 1.5, seed); };
  const std::vector<Tensor> arguments{draw(Element::f32, {3, 5, 7, 20}, -1, 1, 1),
                                      vectorOf(3),
                                      vectorOf(4),
                                      vectorOf(5),
                                      draw(Element::f32, {24, 20, 3, 3}, -1, 1, 2),
                                      draw(Element::f32, {3}, -1, 1, 6)};
  expectClose(kernels.run(0, arguments), kernels.expected(0, arguments), 1e-5);
}

} // namespace
} // namespace tailor::backend::testing
