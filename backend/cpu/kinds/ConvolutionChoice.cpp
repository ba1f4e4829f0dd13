// Which algorithm computes a convolution.

#include "backend/cpu/kinds/Convolution.h"
#include "backend/cpu/kinds/ConvolutionTaps.h"
#include "backend/cpu/kinds/Grouped.h"
#include "backend/cpu/kinds/Winograd.h"
#include "backend/cpu/kinds/WinogradForm.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace tailor::backend {
namespace {

/// Instructions that multiply or transform a vector, per image: what the algorithms are compared by. All of them keep
/// the multiply-add units as busy as one another, so their times stand in this proportion.
///
///   algorithm              products                     transforms of a tile: per vector of channels, of outputs
///   implicit_gemm          0.95 for each tap in the image
///   winograd_4x4           36 for each tile of 4 x 4    150, 130
///   winograd_2x2           16 for each tile of 2 x 2     60,  40
///   winograd_4x4_stride_2  81 for each tile of 4 x 4    500, 250
///
/// The constants are fitted to convolution_layers_bench, forward with maps in the cache. Times the speed of implicit_gemm
/// in the model and measured: winograd_4x4 2.5 and 2.4 for 16 channels of 32 x 32, 2.9 and 2.9 for 64 of 8 x 8;
/// winograd_2x2 1.5 and 1.5, 1.6 and 1.7; stride 2 1.17 and 1.17 for 16 channels to 32, 1.30 and 1.30 for 32 to 64. For 3
/// channels to 16 the model has winograd_4x4 at 1.01, measured 0.93; back to 3, where it is asked for 1.25, at 2.5,
/// measured 2.4.
double implicitGemmCost(const ConvolutionProblem& problem) {
  double taps = 1;
  for (int axis = 0; axis < 2; ++axis) {
    int64_t inImage = 0;
    for (int64_t y = 0; y < problem.output[axis]; ++y)
      for (int64_t tap = 0; tap < problem.kernel[axis]; ++tap) {
        int64_t at = y * problem.strides[axis] + tap * problem.dilation[axis] - problem.paddingLow[axis];
        inImage += at >= 0 && at < problem.image[axis];
      }
    taps *= double(inImage);
  }
  return 0.95 * taps;
}

/// Per image and pair of one channel and one vector of outputs, as implicitGemmCost.
double winogradCost(const ConvolutionProblem& problem, int64_t lanes, const WinogradForm& form,
                    double perChannels, double perOutputs) {
  bool isData = problem.product == ConvolutionProduct::dataGradient;
  const std::array<int64_t, 2>& made = isData ? problem.image : problem.output;
  double tiles = double(ceilDiv(made[0], form.outputs) * ceilDiv(made[1], form.outputs));
  auto products = double(form.points());
  auto channels = double(isData ? problem.outputs : problem.channels);
  double channelVectors = double(ceilDiv(int64_t(channels), lanes));
  double outputVectors = double(ceilDiv(isData ? problem.channels : problem.outputs, lanes));
  return tiles *
         (products + perChannels * channelVectors / (channels * outputVectors) + perOutputs / channels);
}

/// Of a problem that has no Winograd form.
std::string whyNoWinograd(const ConvolutionProblem& problem) {
  auto pair = [](const std::array<int64_t, 2>& p) { return llvm::formatv("{0} x {1}", p[0], p[1]).str(); };
  if (problem.groups != 1) return llvm::formatv("it has {0} groups", problem.groups);
  if (problem.kernel != std::array<int64_t, 2>{3, 3})
    return llvm::formatv("its kernel is {0}, not 3 x 3", pair(problem.kernel));
  if (problem.strides != std::array<int64_t, 2>{1, 1} && problem.strides != std::array<int64_t, 2>{2, 2})
    return llvm::formatv("its stride is {0}, not 1 or 2", pair(problem.strides));
  if (problem.dilation != std::array<int64_t, 2>{1, 1})
    return llvm::formatv("its dilation is {0}, not 1", pair(problem.dilation));
  if (problem.strides[0] == 2 && problem.paddingLow != std::array<int64_t, 2>{1, 1})
    return llvm::formatv("its stride is 2 and its padding above and left {0}, not 1",
                         pair(problem.paddingLow));
  return "its padding is more than 2";
}

} // namespace

std::string whyNot(ConvolutionAlgorithm algorithm, const ConvolutionProblem& problem,
                   const CpuTarget& target) {
  switch (algorithm) {
  case ConvolutionAlgorithm::implicitGemm:
    return "";
  case ConvolutionAlgorithm::winograd4x4:
  case ConvolutionAlgorithm::winograd2x2:
  case ConvolutionAlgorithm::winogradStride2: {
    if (winogradForm(problem, algorithm) != nullptr) return "";
    const int64_t stride = algorithm == ConvolutionAlgorithm::winogradStride2 ? 2 : 1;
    const bool isOtherStride = problem.strides == std::array<int64_t, 2>{3 - stride, 3 - stride};
    if (isOtherStride && problem.groups == 1 && problem.kernel == std::array<int64_t, 2>{3, 3})
      return llvm::formatv("its stride is {0} x {0}, not {1}", 3 - stride, stride);
    return whyNoWinograd(problem);
  }
  case ConvolutionAlgorithm::depthwise:
  case ConvolutionAlgorithm::grouped:
    if (isNarrowGrouped(problem, target.lanes)) return "";
    return llvm::formatv(
        "its groups ({0} of {1} channels and {2} outputs) are not several in a vector of {3}", problem.groups,
        problem.groupChannels(), problem.groupOutputs(), target.lanes);
  }
  return "";
}

ConvolutionChoice chooseConvolution(const ConvolutionProblem& problem, const CpuTarget& target) {
  // Implicit GEMMs of groups narrower than a vector leave lanes empty: 8 of 118 GFLOP/s for depthwise 3 x 3, 28 for
  // groups of 4 (tests/bench/kernels/convolution_layers_bench.cpp).
  if (isNarrowGrouped(problem, target.lanes)) {
    if (problem.groupChannels() == 1) return {ConvolutionAlgorithm::depthwise, "one channel a group"};
    return {ConvolutionAlgorithm::grouped, "several groups fit one vector"};
  }
  struct Candidate {
    ConvolutionAlgorithm algorithm;
    double cost;
  };
  llvm::SmallVector<Candidate, 3> candidates;
  auto consider = [&](ConvolutionAlgorithm algorithm, double perChannels, double perOutputs) {
    if (const WinogradForm* form = winogradForm(problem, algorithm))
      candidates.push_back({algorithm, winogradCost(problem, target.lanes, *form, perChannels, perOutputs)});
  };
  consider(ConvolutionAlgorithm::winograd4x4, 150, 130);
  consider(ConvolutionAlgorithm::winograd2x2, 60, 40);
  consider(ConvolutionAlgorithm::winogradStride2, 500, 250);
  if (candidates.empty())
    return {ConvolutionAlgorithm::implicitGemm,
            "any stride, padding, dilation and groups; winograd: " + whyNoWinograd(problem)};
  candidates.push_back({ConvolutionAlgorithm::implicitGemm, implicitGemmCost(problem)});
  // Where it nearly costs the same an implicit GEMM is better: its sums are zero where all that they add is zero, and
  // Winograd's only nearly, which an optimizer that divides by the gradient's size makes large.
  constexpr double kWorthwhile = 1.25;
  const auto judged = [](const Candidate& c) {
    return c.algorithm == ConvolutionAlgorithm::implicitGemm ? c.cost / kWorthwhile : c.cost;
  };
  llvm::stable_sort(candidates,
                    [&](const Candidate& a, const Candidate& b) { return judged(a) < judged(b); });
  const Candidate& best = candidates[0];
  std::string reason = "rejected";
  for (const Candidate& other : llvm::drop_begin(candidates))
    reason += llvm::formatv("{0} {1} with {2:F2} times its work", &other == &candidates[1] ? "" : ",",
                            nameOf(other.algorithm), other.cost / best.cost);
  if (best.algorithm == ConvolutionAlgorithm::implicitGemm)
    reason += llvm::formatv(" (winograd must save a factor {0:F2})", kWorthwhile);
  return {best.algorithm, std::move(reason)};
}

} // namespace tailor::backend
