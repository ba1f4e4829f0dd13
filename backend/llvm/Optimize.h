#pragma once
/// LLVM's passes over kernels, before a machine's code generator.

#include "llvm/Support/Error.h"

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace tailor::backend {

/// Cleans up addresses and hoists. Kernels arrive with explicit vectors, tiles and accumulators in SSA values: the vectorisers, the
/// unroller and the idiom recogniser (which would call memset) have nothing to win and are not in the pipeline. Last, masked stores
/// of one lane of truncated values become scalar: LLVM 22 would write as many bytes as the values had before.
llvm::Error optimizeKernels(llvm::Module& module, llvm::TargetMachine& machine);

} // namespace tailor::backend
