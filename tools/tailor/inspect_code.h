#pragma once
// What `tailor inspect` shows with the compiler's help: programs and instructions.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// The stored program at `phase` with its options, schema and source: `tailor compile --from` takes it.
/// Errors as stored_ir; kDataLoss for text that is no program.
runtime::Result<std::string> ir_text(const runtime::Artifact& artifact, const std::string& phase,
                                     bool locations);

/// The instructions of a kernel, disassembled from the code section.
runtime::Result<std::string> kernel_asm(const runtime::Artifact& artifact, const std::string& name);

/// The LLVM IR of a kernel, by compiling the stored `planned` program again.
runtime::Result<std::string> kernel_llvm(const runtime::Artifact& artifact, const std::string& name);

} // namespace tailor::tools
