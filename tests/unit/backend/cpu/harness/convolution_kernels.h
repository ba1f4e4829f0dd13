#pragma once
/// Convolutions as kernel texts, and emitters that take one algorithm whatever would be chosen.

#include "backend/cpu/kinds/Convolution.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <array>
#include <ostream>

namespace tailor::backend::testing {

/// A 3 x 3 convolution.
struct Convolution3x3 {
  int64_t images = 2, height = 8, width = 8, channels = 16, outputs = 16;
  std::array<int64_t, 4> padding{1, 1, 1, 1}; ///< top, bottom, left, right
  int64_t stride = 1;

  int64_t outputHeight() const { return outputSize(height + padding[0] + padding[1]); }
  int64_t outputWidth() const { return outputSize(width + padding[2] + padding[3]); }
  int64_t outputSize(int64_t padded) const { return padded < 3 ? 0 : (padded - 3) / stride + 1; }
  Shape x() const { return {images, height, width, channels}; }
  Shape w() const { return {outputs, channels, 3, 3}; }
  Shape y() const { return {images, outputHeight(), outputWidth(), outputs}; }
};

std::ostream& operator<<(std::ostream& out, const Convolution3x3& s);

/// "tensor<2x3xf32>"
std::string tensorText(const Shape& shape);
/// The words between the operands of the op and its types.
std::string wordsOf(const Convolution3x3& s);
/// The bare product of the two operands that it has.
KernelText kernelOf(ConvolutionProduct product, const Convolution3x3& s);
/// Shapes of the operands and of the result.
std::array<Shape, 3> shapesOf(ConvolutionProduct product, const Convolution3x3& s);

/// Fails for a convolution that `algorithm`, one of Winograd's, cannot compute.
KernelEmission winogradEmission(ConvolutionAlgorithm algorithm);

} // namespace tailor::backend::testing
