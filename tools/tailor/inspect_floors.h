#pragma once
// The least time a launch can take, on a machine that the artifact's target names. Needs no LLVM.

#include "runtime/artifact/spec.h"

#include <string>

namespace tailor::tools {

struct Floor {
  double microseconds = 0;
  const char* ceiling = ""; ///< what holds it there: "arithmetic", "cache" or "memory"
};

/// Of one run of a command: its operations at the rate of the units that compute them, its bytes at that of memory. None of what a
/// launch itself costs.
Floor floor_of(const runtime::ArtifactSpec& spec, const runtime::Command& command);

/// The machine and its rates, as the line of a table: "floors: ... GFLOP/s, ... GB/s from memory, as ...\n".
std::string floors_line(const runtime::ArtifactSpec& spec);

} // namespace tailor::tools
