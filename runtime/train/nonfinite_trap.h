#pragma once
#include "runtime/exec/executor.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// `--trap-nonfinite`: after every command, looks through what it wrote; the first NaN or infinity stops the
/// run with the layer, the command, its ops and their source lines. Slow: every written byte is read once more.
Status trap_nonfinite(Executor& executor);

/// What a command computes, for messages: "launch gemm_32x64_1a2b: tailor.dot at recipe.toml:4:3".
std::string describe_command(const ArtifactSpec& spec, const Command& command);

/// The layers ("layer2.0.conv1") whose part a command of a variant computes: those whose tensors it reads, else those whose
/// tensors are read where one of its ops, or the op whose gradient it is, is computed as well. Empty for what belongs
/// to no layer.
std::vector<std::string> layers_of(const ArtifactSpec& spec, const Variant& variant, const Command& command);

} // namespace tailor::runtime
