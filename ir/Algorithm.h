#pragma once
/// An op that a target can compute in several ways may say in which: `{algorithm = "implicit_gemm"}` instead of the
/// target's own choice. The target refuses a name that it does not know or that cannot compute the op.

#include "llvm/ADT/StringRef.h"

namespace tailor::ir {

inline constexpr llvm::StringLiteral kAlgorithm = "algorithm";
/// Who asked for it, in the words that remarks and errors use: `--set-kernel layer1.*=implicit_gemm`.
inline constexpr llvm::StringLiteral kAlgorithmBy = "algorithm_by";

} // namespace tailor::ir
