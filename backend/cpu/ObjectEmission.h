#pragma once
/// LLVM dialect -> LLVM IR -> optimised -> x86-64 object -> blob.

#include "backend/cpu/KernelCompiler.h"

#include "mlir/IR/BuiltinOps.h"

namespace tailor::backend {

/// scf, arith, math and vector -> llvm dialect, in place.
mlir::LogicalResult lowerToLlvmDialect(mlir::ModuleOp module);

/// Translates and compiles a module in the llvm dialect. `blob.functions` holds its global functions in
/// module order. Errors are reported at the module.
mlir::LogicalResult emitCode(mlir::ModuleOp module, const CpuTarget& target, bool keepLlvmText,
                             CodeBlob& blob, CompileTimes& times);

} // namespace tailor::backend
