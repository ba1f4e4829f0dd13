#include "runtime/device/cudnn_call.h"

#include "runtime/device/cudnn_graph.h"

namespace tailor::runtime {

using Cudnn = CudnnLibrary;

Result<CudnnCall> CudnnCall::load(const CudnnLibrary& library, CudnnLibrary::HandleType* handle,
                                  const LibraryPlan& plan) {
  CudnnDescriptor made(library, Cudnn::kExecutionPlan);
  made.set(Cudnn::kPlanHandle, Cudnn::kTypeHandle, 1, &handle);
  made.set(Cudnn::kPlanJson,
           std::string_view(reinterpret_cast<const char*>(plan.plan.data()), plan.plan.size()));
  TAILOR_RETURN_IF_ERROR_AS_IS(made.finalize("loading the plan of a convolution"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::uint64_t workspace, workspace_of(made));
  if (workspace > plan.workspace_bytes)
    return incompatible("the plan of a convolution wants a workspace of ", workspace, " bytes, and has ",
                        plan.workspace_bytes);
  return CudnnCall(library, handle, std::move(made));
}

Status CudnnCall::enqueue(std::span<void* const, kNumConvOperands> pointers) const {
  CudnnDescriptor pack(*library_, Cudnn::kVariantPack);
  pack.set(Cudnn::kPackUniqueIds, kCudnnOperandIds);
  pack.set(Cudnn::kPackPointers, Cudnn::kTypeVoidPointer, kCudnnOperandIds.size(), pointers.data());
  pack.set(Cudnn::kPackWorkspace, Cudnn::kTypeVoidPointer, 1,
           &pointers[static_cast<std::size_t>(ConvOperand::kWorkspace)]);
  TAILOR_RETURN_IF_ERROR_AS_IS(pack.finalize("the pointers of a convolution"));
  return library_->check(library_->execute(handle_, plan_.get(), pack.get()), "enqueuing a convolution");
}

} // namespace tailor::runtime
