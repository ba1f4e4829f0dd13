#pragma once
// The least time a launch can take, on a machine that the artifact's target names. Needs no LLVM.

#include "runtime/artifact/spec.h"

#include <string>

namespace tailor::tools {

struct Floor {
  double microseconds = 0;
  const char* ceiling = ""; ///< what holds it there: "arithmetic", "cache" or "memory"
};

/// Of a launch of `flops` floating-point operations that moves `bytes` bytes. None of what a launch itself costs.
Floor floor_of(const runtime::Target& target, std::uint64_t flops, std::uint64_t bytes);

/// The machine and its rates, as the line of a table: "floors: ... GFLOP/s, ... GB/s from memory, as ...\n".
std::string floors_line(const runtime::Target& target);

} // namespace tailor::tools
