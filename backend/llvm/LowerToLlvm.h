#pragma once
/// Kernels as a builder wrote them -> functions of the llvm dialect alone.

#include "mlir/IR/BuiltinOps.h"

namespace tailor::backend {

/// scf, arith, math and vector -> llvm dialect, in place, in every llvm.func. Ops that kernels do not hold are internal errors,
/// reported at the op.
mlir::LogicalResult lowerToLlvmDialect(mlir::ModuleOp module);

} // namespace tailor::backend
