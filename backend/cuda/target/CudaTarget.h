#pragma once
/// What the code generator must know of an NVIDIA GPU.

#include "mlir/Support/LLVM.h"

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
}

namespace tailor::backend::cuda {

struct CudaTarget {
  std::string text;         ///< as the user wrote it: "cuda:sm_90"
  std::string architecture; ///< "sm_90"
};

/// Reads "cuda:sm_80", "cuda:sm_90", ... On failure `error` says what is wrong and which names work.
mlir::FailureOr<CudaTarget> parseCudaTarget(llvm::StringRef text, std::string& error);

/// A machine that emits PTX for `target`. Registers LLVM's NVPTX parts on first use; thread-safe. nullptr if LLVM was built
/// without them.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const CudaTarget& target);

} // namespace tailor::backend::cuda
