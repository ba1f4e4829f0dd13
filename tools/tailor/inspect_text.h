#pragma once
// What `tailor inspect` shows without looking at code: summary, memory, ops, IR.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// What the program is: entries, state, memory, stages, how much was fused.
std::string summary(const runtime::Artifact& artifact, bool json);

/// Bytes of every space, then every planned buffer with its place and life.
std::string memory_table(const runtime::ArtifactSpec& spec, bool json);

/// The stored program at `phase`. kNotFound naming the phases there are.
runtime::Result<std::string> ir_text(const runtime::Artifact& artifact, const std::string& phase,
                                     bool locations);

/// Whether two ops run in one kernel, and the decisions of the passes about both; without any, the kinds of kernel
/// they are in. An op is named by its id
/// ("12"), its name ("dot", "tailor.dot": the first one) or its line ("recipe.toml:4"). kNotFound for an op
/// that is not in the table.
runtime::Result<std::string> why(const runtime::ArtifactSpec& spec, const std::string& first,
                                 const std::string& second);

/// "12.3 KiB"
std::string human_bytes(std::uint64_t bytes);

} // namespace tailor::tools
