#pragma once
/// Kernels written with OneLaneBuilder: the evaluators of backend/codegen with the plainest loops there are.

#include "backend/cpu/KernelCompiler.h"
#include "ir/Tailor.h"

#include "mlir/IR/BuiltinOps.h"

namespace tailor::backend::testing {

/// The whole kernel as one unit. Lanes run along the last dimension and beyond its end, masked, as the threads of a warp
/// do. Every tensor has a buffer of its own, those of a role too.
mlir::FailureOr<KernelInfo> emitOneLaneKernel(ir::KernelOp kernel, mlir::ModuleOp module,
                                              llvm::StringRef symbol, const CpuTarget& target);

} // namespace tailor::backend::testing
