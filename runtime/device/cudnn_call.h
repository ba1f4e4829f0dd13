#pragma once
#include "runtime/artifact/spec.h"
#include "runtime/device/cudnn.h"

#include <span>

namespace tailor::runtime {

/// A plan of the library here, ready to be enqueued: the runtime's only door to it.
class CudnnCall {
public:
  /// Loads the bytes of `plan`. Errors   those of cuDNN, and kIncompatible where it wants more workspace than the plan says.
  static Result<CudnnCall> load(const CudnnLibrary& library, CudnnLibrary::HandleType* handle,
                                const LibraryPlan& plan);

  /// Enqueues the call on the stream of the handle. `pointers` by ConvOperand; the workspace may be null where none is needed.
  Status enqueue(std::span<void* const, kNumConvOperands> pointers) const;

private:
  CudnnCall(const CudnnLibrary& library, CudnnLibrary::HandleType* handle, CudnnDescriptor plan)
      : library_(&library), handle_(handle), plan_(std::move(plan)) {}

  const CudnnLibrary* library_;
  CudnnLibrary::HandleType* handle_;
  CudnnDescriptor plan_;
};

} // namespace tailor::runtime
