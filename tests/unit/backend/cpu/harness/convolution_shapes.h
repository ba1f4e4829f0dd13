#pragma once
/// A convolution of any shape and its three products as kernels.

#include "tests/unit/backend/cpu/harness/compile_kernels.h"

namespace tailor::backend::testing {

struct Convolution {
  int64_t images = 5, height = 8, width = 8, channels = 16, outputs = 16, kernelHeight = 3, kernelWidth = 3;
  int64_t strideHeight = 1, strideWidth = 1, top = 1, bottom = 1, left = 1, right = 1;
  int64_t dilationHeight = 1, dilationWidth = 1, groups = 1;

  int64_t outputHeight() const {
    return (height + top + bottom - dilationHeight * (kernelHeight - 1) - 1) / strideHeight + 1;
  }
  int64_t outputWidth() const {
    return (width + left + right - dilationWidth * (kernelWidth - 1) - 1) / strideWidth + 1;
  }
  bool isValid() const {
    return height + top + bottom > dilationHeight * (kernelHeight - 1) &&
           width + left + right > dilationWidth * (kernelWidth - 1) && channels % groups == 0 &&
           outputs % groups == 0;
  }
  Shape image() const { return {images, height, width, channels}; }
  Shape weight() const { return {outputs, channels / groups, kernelHeight, kernelWidth}; }
  Shape output() const { return {images, outputHeight(), outputWidth(), outputs}; }
};

/// "tensor<5x8x8x16xf32>"
std::string typeOf(const Shape& shape);
std::string nameOf(const Convolution& c);

/// conv2d, conv2d_data_grad, conv2d_weight_grad; each yields one value.
std::vector<KernelText> kernelTexts(const Convolution& c);
/// The same arguments in every call, for each of the three.
std::vector<std::vector<Tensor>> drawArguments(const Convolution& c);

/// Forty valid shapes in which nine of ten pairs of values of two columns meet: a greedy search from a fixed seed. The
/// last tenth would take as many shapes again.
std::vector<Convolution> coveringSet();
/// What networks use, and what the tiles of kernels make corners of.
std::vector<Convolution> namedShapes();

/// Every element within a few roundings of the size that elements of the result have; a single one may cancel.
void expectAccurate(const Tensor& got, const Tensor& expected);

} // namespace tailor::backend::testing
