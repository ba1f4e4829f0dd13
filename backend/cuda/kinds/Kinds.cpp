// The kinds of kernels there is code for, and who gets which.
#include "backend/cuda/kinds/KernelEmitter.h"
#include "passes/analysis/KernelBuffers.h"

namespace tailor::backend::cuda {

// Each in the file of its name.
extern const KernelKind kHorizontal, kConvolution, kLibraryConvolution, kOrder, kPositions, kRows, kColumns,
    kChannels, kGemm, kMultiTensor;

namespace {

/// The first that fits; what none takes is computed position by position.
const KernelKind* const kKinds[] = {
    &kHorizontal, &kLibraryConvolution, &kConvolution, &kOrder,      &kPositions, &kRows,
    &kColumns,    &kChannels,           &kGemm,        &kMultiTensor};

mlir::LogicalResult emitByKind(KernelContext& context) {
  for (const KernelKind* kind : kKinds)
    if (kind->fits(context.kernel)) return kind->emit(context);
  return emitPositions(context, "a thread adds up all products of its elements");
}

} // namespace

mlir::FailureOr<KernelInfo> emitKernel(ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                                       const CudaTarget& target, ConvolutionPlans* plans) {
  for (mlir::Operation& op : kernel.getBlock().without_terminator()) {
    std::string reason;
    if (!supportsOnCuda(&op, reason)) return op.emitError(reason);
  }
  KernelContext context{kernel, target, module, symbol.str(), {}, plans};
  KernelWork work = workOf(kernel);
  context.info.flops = work.flops;
  context.info.bytes = work.bytes;
  if (mlir::failed(emitByKind(context))) return mlir::failure();
  // 4352 bytes of parameters are what PTX gives a kernel before 8.1: 544 pointers.
  constexpr size_t kMostPointers = 512;
  const size_t pointers = passes::kernelBuffers(kernel).size() + context.info.temporaries.size();
  if (pointers > kMostPointers)
    return kernel.emitError("reads and writes ")
           << pointers << " tensors, of which a kernel takes at most " << kMostPointers << " on target cuda";
  return context.info;
}

} // namespace tailor::backend::cuda
