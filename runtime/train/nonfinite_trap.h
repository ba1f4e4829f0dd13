#pragma once
#include "runtime/exec/executor.h"

namespace tailor::runtime {

/// `--trap-nonfinite`: after every command, looks through what it wrote; the first NaN or infinity stops the
/// run with the command, its ops and their source lines. Slow: every written byte is read once more.
Status trap_nonfinite(Executor& executor);

/// What a command computes, for messages: "launch gemm_32x64_1a2b: tailor.dot at recipe.toml:4:3".
std::string describe_command(const ArtifactSpec& spec, const Command& command);

} // namespace tailor::runtime
