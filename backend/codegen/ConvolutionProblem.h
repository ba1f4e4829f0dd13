#pragma once
/// A convolution as a typed problem, whichever of its three products a kernel computes. Images are NHWC, weights OIHW.

#include "ir/Tailor.h"

#include <array>
#include <optional>

namespace tailor::backend {

/// Which of the three products of input x, weight w and output y a kernel computes.
enum class ConvolutionProduct {
  forward,       ///< y = conv(x, w)
  dataGradient,  ///< dx from dy and w
  weightGradient ///< dw from x and dy
};

/// What a convolution is, whichever of the three it computes; lists are [height, width]. The number of images is no
/// part of it.
struct ConvolutionProblem {
  ConvolutionProduct product = ConvolutionProduct::forward;
  std::array<int64_t, 2> image{};  ///< of x: H, W
  std::array<int64_t, 2> output{}; ///< of y: H', W'
  int64_t channels = 0;            ///< C of x
  int64_t outputs = 0;             ///< O of y
  std::array<int64_t, 2> kernel{}; ///< kh, kw
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> paddingLow{}, paddingHigh{}; ///< top, left; bottom, right
  std::array<int64_t, 2> dilation{1, 1};
  int64_t groups = 1;

  int64_t groupChannels() const { return channels / groups; }
  int64_t groupOutputs() const { return outputs / groups; }
  int64_t taps() const { return kernel[0] * kernel[1]; }
  int64_t weights() const { return outputs * groupChannels() * taps(); }
  /// Multiply-adds of one image, as if no tap fell into the padding.
  int64_t productsPerImage() const { return output[0] * output[1] * groupChannels() * taps() * outputs; }
};

/// A convolution op and the operands of its problem.
struct ConvolutionOp {
  mlir::Operation* op = nullptr;
  ConvolutionProblem problem;

  /// The operands in the roles of the problem; the one that is the result is null.
  mlir::Value image() const;      ///< x
  mlir::Value weight() const;     ///< w
  mlir::Value outputGrad() const; ///< dy
  mlir::Value result() const { return op->getResult(0); }
};

/// nullopt if `op` is no convolution.
std::optional<ConvolutionOp> convolutionOf(mlir::Operation* op);

} // namespace tailor::backend
