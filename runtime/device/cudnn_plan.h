#pragma once
#include "runtime/artifact/spec.h"
#include "runtime/device/cudnn.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// An engine of cuDNN that was offered for a convolution and not taken.
struct RejectedEngine {
  std::int64_t engine = -1;
  std::string reason;

  bool operator==(const RejectedEngine&) const = default;
};

struct ChosenPlan {
  LibraryPlan plan;
  std::vector<RejectedEngine>
      rejected; ///< each with each of its reasons once, in the order of the heuristics
};

/// What a plan is made for: a device whose properties are known (JSON, as cuDNN writes them), or the one of a handle.
class CudnnDevice {
public:
  static Result<CudnnDevice> described(const CudnnLibrary& library, std::string_view json);
  static Result<CudnnDevice> present(const CudnnLibrary& library, CudnnLibrary::HandleType* handle);

  const CudnnDescriptor& properties() const { return properties_; }

private:
  explicit CudnnDevice(CudnnDescriptor properties) : properties_(std::move(properties)) {}
  CudnnDescriptor properties_;
};

/// Bytes a plan may take beside its operands: both images once more in another layout (cuDNN's engines for f32 work on NCHW), and
/// 16 MiB for partial sums of weights.
std::uint64_t most_workspace_of(const ConvPlan& problem);

/// The first plan of cuDNN's heuristics (mode A, then its fallbacks) that gives the same bits each time, rounds as f32 where
/// elements are f32 (no tensor cores, no conversion of operands), needs no compiler when it runs and no more than `most_workspace` bytes.
/// Works without a device. The plan was read back from its bytes and is the problem.
/// Errors   kUnimplemented: cuDNN offers no such engine; the reasons. kInternal: the plan is of another problem.
Result<ChosenPlan> plan_convolution(const CudnnLibrary& library, const ConvPlan& problem,
                                    const CudnnDevice& device, std::uint64_t most_workspace);

} // namespace tailor::runtime
