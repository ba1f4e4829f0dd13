// From a planned (or, for an interpreter, placed) program to the spec of its artifact.
#pragma once

#include "backend/driver/ProgramInfo.h"
#include "backend/driver/Targets.h"
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

} // namespace tailor::backend
