#pragma once
/// The memory that the commands of one launch share, as a `tailor.kernel` holds it for the planner.

#include "ir/Tailor.h"

#include <string>

namespace tailor::backend {

struct NeededTemporary {
  std::string purpose;
  int64_t bytes =
      0; ///< the largest number where the true one cannot be held: refused like any that is too large
};

/// The lines of a kernel's launches, which are those of its ops; its own if nothing launches it.
llvm::SmallVector<mlir::Location> linesOf(ir::KernelOp kernel, mlir::ModuleOp module);

/// Writes what the launches of `kernel` need into it, in place of what was there. Sizes follow from the shapes of a program
/// that anybody may write: errors are reported at its lines.
llvm::LogicalResult setTemporaries(ir::KernelOp kernel, mlir::ModuleOp module,
                                   llvm::ArrayRef<NeededTemporary> needed);

/// Refuses a plan that was made for other temporaries: one that was read may be edited, or made for another target.
llvm::LogicalResult checkTemporaries(ir::KernelOp kernel, mlir::ModuleOp planned,
                                     llvm::ArrayRef<NeededTemporary> needed, llvm::StringRef target);

} // namespace tailor::backend
