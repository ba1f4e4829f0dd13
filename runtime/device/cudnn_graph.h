#pragma once
#include "runtime/artifact/conv_plan.h"
#include "runtime/device/cudnn.h"

#include <array>
#include <optional>
#include <vector>

namespace tailor::runtime {

/// Numbers that tell the pointers of a call apart, in the order of ConvOperand.
inline constexpr std::array<std::int64_t, 3> kCudnnOperandIds{1, 2, 3};

/// The operation graph of one convolution: what cuDNN is asked to make plans for.
class CudnnGraph {
public:
  /// Of a problem that check() accepts. Errors   those of cuDNN.
  static Result<CudnnGraph> of(const CudnnLibrary& library, const ConvPlan& problem);

  const CudnnDescriptor& descriptor() const { return *whole_; }

private:
  CudnnGraph() = default;

  std::vector<CudnnDescriptor> parts_; ///< descriptors refer to each other
  std::optional<CudnnDescriptor> whole_;
};

} // namespace tailor::runtime
