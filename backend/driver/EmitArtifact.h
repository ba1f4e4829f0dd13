// From a planned (or, for an interpreter, placed) program to the spec of its artifact.
#pragma once

#include "backend/driver/ProgramInfo.h"
#include "backend/registry.h"
#include "ir/Tailor.h"
#include "runtime/artifact/spec.h"

namespace tailor::backend {

/// Everything of the artifact that the module and `info` say: state, control, metrics, entries with their
/// command lists, kernels, memory, stages. The op table, remarks and IR sections are the caller's.
///
/// `code` holds the launch of every kernel of the program; without it the command lists stay empty (an
/// interpreter). Errors are diagnostics on the op that cannot be expressed.
mlir::FailureOr<runtime::ArtifactSpec> emitSpec(ir::ProgramOp program, const ProgramInfo& info,
                                                const Target& target, const KernelCode* code);

/// The constants section: the elements of every planned `tailor.constant` at its place.
std::vector<std::byte> constantBytes(ir::ProgramOp program);

/// The fixed number of chunks of a launch: one below about 50 us of work on one core, else pieces of about 25
/// us. A function of the work alone, so that no result depends on the machine.
uint32_t chunkCount(uint64_t flops, uint64_t bytesMoved, int64_t numUnits);

} // namespace tailor::backend
