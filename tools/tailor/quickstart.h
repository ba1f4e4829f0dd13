#pragma once
// `tailor quickstart`: three methods on a built-in long-tailed set, side by side.

#include <string>

namespace tailor::tools {

struct QuickstartOptions {
  std::string recipes; ///< folder of quickstart.toml, quickstart_smoothing.toml, quickstart_sam_a.toml
  std::string out;     ///< output folder; one folder a method is made in it
};

/// Returns the process's exit status.
int run_quickstart(const QuickstartOptions& options);

} // namespace tailor::tools
