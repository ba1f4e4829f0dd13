// Where every value of a planned program lives. PlanMemory writes it into attributes; these functions read it.
//
//   tailor.program                       memory = {state, arena, control, control_host, metrics, slot, constant}:
//                                        bytes of each space
//   tailor.state, tailor.control_field   place = #tailor.buffer<...>
//   ops with results                     buffers = [#tailor.buffer<...>, ...], one per result
//   tailor.launch                        temporaries = [#tailor.buffer<arena, ...>, ...], one per temporary of its
//                                        kernel
//   tailor.input                         source = #tailor.buffer<slot, ...>, read into buffers[0]
//   tailor.report, tailor.output         place = #tailor.buffer<...>
//
// A load, store, report, output or reshape whose source and destination differ is a copy; equal means nothing
// to do.
#pragma once

#include "ir/Tailor.h"

namespace tailor::passes {

inline constexpr llvm::StringLiteral kMemoryAttr = "memory";
inline constexpr llvm::StringLiteral kBuffersAttr = "buffers";
inline constexpr llvm::StringLiteral kPlaceAttr = "place";
inline constexpr llvm::StringLiteral kSourceAttr = "source";

/// Bytes of the spaces of a planned program.
struct MemorySizes {
  int64_t state = 0, arena = 0, control = 0, controlHost = 0, metrics = 0, slot = 0, constant = 0;
};

/// Zeros if the program was not planned.
MemorySizes memorySizes(ir::ProgramOp program);

/// The place of a value; null if it has none.
ir::BufferAttr bufferOf(mlir::Value value);
/// What a launch of `kernel` needs beside operands and results; empty if no target was asked.
llvm::SmallVector<ir::TemporaryAttr> temporariesOf(ir::KernelOp kernel);
/// Where a launch has them, in that order; empty if it was not planned.
llvm::SmallVector<ir::BufferAttr> temporaryPlaces(ir::LaunchOp launch);
/// The place of a state, control field, report or output; null if it has none.
ir::BufferAttr placeOf(mlir::Operation* op);

/// Checks a plan, also one that was edited by hand: every value has a place inside its space and of its size,
/// aligned to 64 bytes (4 in the rows of control and metrics is not enough for a kernel, so these are aligned
/// too); states, control fields, metrics and inputs have memory of their own; values that are alive at the same
/// time, temporaries of launches among them, do not overlap unless they are one in place, and what an output or report
/// shows stays until the entry ends; the tensors of each role lie at common distances; launches write neither control fields of the host
/// nor constants; the constants fill their space.
mlir::LogicalResult verifyPlan(ir::ProgramOp program);

} // namespace tailor::passes
