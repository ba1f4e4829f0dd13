#pragma once

#include "frontend/traced_program.h"

namespace mlir {
class MLIRContext;
class ModuleOp;
template <typename OpTy> class OwningOpRef;
} // namespace mlir

namespace tailor {

/// The traced program as one module of the `tailor` dialect (phase `traced`): a tailor.program with its state
/// groups, control block, bodies, entries and stage plan. Deterministic: the same program gives the same
/// text. Locations are the file:line:column each node carries. The context must have the tailor dialect
/// loaded.
///
/// Errors   a null reference after an error was emitted on the context's diagnostic engine (an op the
///          dialect does not know, a module its verifier refuses: both are ours, not the user's).
mlir::OwningOpRef<mlir::ModuleOp> emit(const TracedProgram& program, mlir::MLIRContext& context);

/// program.trace(), then the above. Throws TraceError.
mlir::OwningOpRef<mlir::ModuleOp> emit(const TrainingProgram& program, mlir::MLIRContext& context);

/// What Array::eval compiles: a program named @expression with one entry @value kind(eval) batch(1) that has
/// the arrays as outputs "0", "1", .... TraceError if one depends on state, a control field or a batch input.
mlir::OwningOpRef<mlir::ModuleOp> emit_expression(const std::vector<Array>& arrays,
                                                  mlir::MLIRContext& context);

} // namespace tailor
