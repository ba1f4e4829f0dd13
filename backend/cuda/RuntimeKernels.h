#pragma once
/// The kernels with which a step of a CUDA graph takes its inputs and gives its reports: the host sets nothing between the steps
/// of a launch. What they are called and what they take: runtime/kernels/cuda_abi.h.

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace tailor::backend::cuda {

/// Adds them to `module`; their names.
llvm::SmallVector<std::string> emitRuntimeKernels(mlir::ModuleOp module);

} // namespace tailor::backend::cuda
