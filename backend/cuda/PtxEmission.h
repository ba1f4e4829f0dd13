#pragma once
/// Kernels as functions -> llvm and nvvm dialects -> LLVM IR -> optimised -> PTX.

#include "backend/cuda/target/CudaTarget.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace llvm {
class Module;
}

namespace tailor::backend::cuda {

struct PtxCode {
  std::string ptx;      ///< of all functions
  std::string llvmText; ///< optimised LLVM IR, if asked for
};

/// Lowers, translates and compiles the functions of a module. Errors are reported at the module.
mlir::FailureOr<PtxCode> emitPtx(mlir::ModuleOp module, const CudaTarget& target, bool keepLlvmText);

/// The PTX of optimised LLVM IR, which is used up; none if LLVM has no generator for it.
std::optional<std::string> ptxOf(llvm::Module& module, llvm::TargetMachine& machine);

} // namespace tailor::backend::cuda
