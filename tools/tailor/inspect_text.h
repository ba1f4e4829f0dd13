#pragma once
// What `tailor inspect` shows of metadata: summary, memory, ops. Needs no LLVM, so that the fuzzer reaches
// it.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// What the program is: classes, columns, stages, entries, state, memory, how much was fused.
std::string summary(const runtime::Artifact& artifact, bool json);

/// Bytes of every space, then every planned buffer with its place and life.
std::string memory_table(const runtime::ArtifactSpec& spec, bool json);

/// The text of the program at `phase` as it is stored: the module with its locations, and nothing else.
/// kNotFound naming the phases there are.
runtime::Result<std::string_view> stored_ir(const runtime::Artifact& artifact, const std::string& phase);

/// Whether two ops run in one kernel, and the decisions of the passes about both; without any, the kinds of kernel
/// they are in. An op is named by its id
/// ("12"), its name ("dot", "tailor.dot"), its line ("recipe.toml:4", "recipe.toml:4:3"), its layer ("fc0") or its
/// kernel: the first one so called. kNotFound for an op that is not in the table.
runtime::Result<std::string> why(const runtime::ArtifactSpec& spec, const std::string& first,
                                 const std::string& second);

/// "12.3 KiB"
std::string human_bytes(std::uint64_t bytes);

} // namespace tailor::tools
