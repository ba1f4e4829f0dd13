#pragma once
/// Kernels as functions -> llvm and nvvm dialects -> LLVM IR -> optimised -> PTX.

#include "backend/cuda/target/CudaTarget.h"

#include "mlir/IR/BuiltinOps.h"

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

/// "// of LLVM IR 0x...": the first line of the PTX made of a module, by which tests/cuda_double knows the IR of an artifact again.
std::string stampOf(const llvm::Module& module);

} // namespace tailor::backend::cuda
