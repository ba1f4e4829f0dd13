#pragma once
/// Kernels as functions -> LLVM dialect -> LLVM IR -> optimised -> x86-64 objects -> blob.

#include "backend/cpu/KernelCompiler.h"

#include "mlir/IR/BuiltinOps.h"

namespace tailor::backend {

/// Lowers, translates and compiles the functions of a module, which is empty afterwards. Large ones go through LLVM in parts,
/// on as many threads as there are cores; the parts, and so the bytes, follow from the functions alone. `blob.functions`
/// holds them in module order. Errors are reported at the module.
mlir::LogicalResult emitCode(mlir::ModuleOp module, const CpuTarget& target, bool keepLlvmText,
                             CodeBlob& blob, CompileTimes& times);

} // namespace tailor::backend
