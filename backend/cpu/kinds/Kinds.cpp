// The kinds of kernels there is code for, and who gets which.
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using mlir::RankedTensorType;
using mlir::Value;

// Each in the file of its name.
extern const KernelKind kScattering, kDraws, kConcat, kMaxPoolGradient, kMap, kRows, kColumns, kChannels,
    kGemm, kConvolution, kMultiTensor, kGeneric;

namespace {

/// The first that fits. `generic` fits always.
const KernelKind* const kKinds[] = {&kScattering, &kDraws,       &kConcat,      &kMaxPoolGradient,
                                    &kMap,        &kRows,        &kColumns,     &kChannels,
                                    &kGemm,       &kConvolution, &kMultiTensor, &kGeneric};

} // namespace

mlir::FailureOr<KernelInfo> emitKernel(ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                                       const CpuTarget& target) {
  auto isStatic = [](mlir::Type type) { return mlir::cast<RankedTensorType>(type).hasStaticShape(); };
  if (!llvm::all_of(kernel.getArgumentTypes(), isStatic) || !llvm::all_of(kernel.getResultTypes(), isStatic))
    return kernel.emitOpError("has a shape that is not static, which target cpu needs");
  for (mlir::Operation& op : kernel.getBlock().without_terminator()) {
    std::string reason;
    if (!supportsOnCpu(&op, reason)) return op.emitError(reason);
  }
  KernelContext context{
      kernel, target, module, symbol.str(), (symbol + "_prepare").str(), (symbol + "_combine").str(), {}};
  context.info.symbol = symbol.str();
  KernelWork work = workOf(kernel);
  context.info.flops = work.flops;
  context.info.bytes = work.bytes;
  const KernelKind* kind = *llvm::find_if(kKinds, [&](const KernelKind* each) { return each->fits(kernel); });
  if (mlir::failed(kind->emit(context))) return mlir::failure();
  context.info.scratchBytes = (context.info.scratchBytes + 63) / 64 * 64;
  return context.info;
}

} // namespace tailor::backend
