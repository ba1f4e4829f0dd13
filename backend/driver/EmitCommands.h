// The flat command list of one entry.
#pragma once

#include "backend/backend.h"
#include "ir/Tailor.h"
#include "runtime/artifact/spec.h"

namespace tailor::backend {

runtime::DType dtypeOf(mlir::Type type);
std::vector<int64_t> shapeOf(mlir::Type type);

/// Appends the commands of `entry`, a variant of spec.entries[entryNumber], to `variant`: begin_step, one
/// read_slot per batch input, then launches (each with its prepare and combine) and copies in program order,
/// finish_step. Adds the ops of launches to spec.kernels, and the rows of the memory plan to spec.memory_plan.
mlir::LogicalResult emitCommands(ir::EntryOp entry, const KernelCode& code, int32_t entryNumber,
                                 int32_t variantNumber, runtime::ArtifactSpec& spec,
                                 runtime::Variant& variant);

} // namespace tailor::backend
