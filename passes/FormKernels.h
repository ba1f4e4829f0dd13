// What the pass FormKernels turns into kernels and what it leaves in the entries.
#pragma once

namespace mlir {
class Operation;
}

namespace tailor::passes {

/// False for the ops that name memory (load, store, control_read, input, report, output, constant), for
/// reshape, which is another view of the same bytes, and for structure (repeat, yield, launch).
bool needsKernel(mlir::Operation* op);

} // namespace tailor::passes
