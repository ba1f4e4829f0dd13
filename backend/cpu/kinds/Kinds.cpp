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

void countWork(ir::KernelOp kernel, KernelInfo& info) {
  auto bytesOf = [](mlir::Type type) {
    auto tensor = mlir::cast<RankedTensorType>(type);
    return uint64_t(tensor.getNumElements()) * std::max(8u, tensor.getElementTypeBitWidth()) / 8;
  };
  for (mlir::Type type : kernel.getArgumentTypes())
    info.bytes += bytesOf(type);
  for (mlir::Type type : kernel.getResultTypes())
    info.bytes += bytesOf(type);
  for (mlir::Operation& op : kernel.getBlock()) {
    if (auto dot = mlir::dyn_cast<ir::DotOp>(op)) {
      uint64_t depth = 1;
      for (int64_t dim : dot.getLhsContract())
        depth *= uint64_t(tensorTypeOf(dot.getLhs()).getDimSize(dim));
      info.flops += 2 * depth * uint64_t(tensorTypeOf(dot.getResult()).getNumElements());
    } else if (!op.hasTrait<mlir::OpTrait::IsTerminator>()) {
      uint64_t elements = 0;
      for (Value operand : op.getOperands())
        elements = std::max<uint64_t>(elements, tensorTypeOf(operand).getNumElements());
      info.flops += elements;
    }
  }
}

} // namespace

mlir::FailureOr<KernelInfo> emitKernel(ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                                       const CpuTarget& target) {
  auto isStatic = [](mlir::Type type) { return mlir::cast<RankedTensorType>(type).hasStaticShape(); };
  if (!llvm::all_of(kernel.getArgumentTypes(), isStatic) || !llvm::all_of(kernel.getResultTypes(), isStatic))
    return kernel.emitOpError("has a shape that is not static, which target cpu needs");
  for (mlir::Operation& op : kernel.getBlock()) {
    std::string reason;
    if (!supportsOnCpu(&op, reason)) return op.emitError(reason);
  }
  KernelContext context{
      kernel, target, module, symbol.str(), (symbol + "_prepare").str(), (symbol + "_combine").str(), {}};
  context.info.symbol = symbol.str();
  countWork(kernel, context.info);
  const KernelKind* kind = *llvm::find_if(kKinds, [&](const KernelKind* each) { return each->fits(kernel); });
  if (mlir::failed(kind->emit(context))) return mlir::failure();
  context.info.scratchBytes = (context.info.scratchBytes + 63) / 64 * 64;
  return context.info;
}

} // namespace tailor::backend
