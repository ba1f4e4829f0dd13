#pragma once
// What `tailor inspect --graph` shows: the commands of every compiled variant, in the order in which they run. Needs no LLVM, so that
// the fuzzer reaches it.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// For each variant how many commands it has of which kind, what they do and move, and their floors; then a line for each:
/// its number, blocks and threads or chunks, work, bytes, floor, kernel or kind, and the lines it comes from. On a GPU a command is a
/// node of the graph that a step launches; the body of a `repeat` is `count` times as many.
std::string graph_table(const runtime::ArtifactSpec& spec, bool json);

} // namespace tailor::tools
