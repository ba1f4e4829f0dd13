#pragma once
// `tailor quickstart`: `tailor compare` on a built-in long-tailed set, and what the compiler did with one method.

#include <string>

namespace tailor::tools {

struct QuickstartOptions {
  std::string recipes; ///< folder of quickstart.toml and quickstart_sam_a.toml
  std::string out;     ///< output folder: the comparison's, with a run folder per method
};

/// Returns the process's exit status.
int run_quickstart(const QuickstartOptions& options);

} // namespace tailor::tools
