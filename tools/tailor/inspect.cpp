#include "tools/tailor/commands.h"

#include "tools/tailor/inspect_kernels.h"
#include "tools/tailor/inspect_text.h"

#include "runtime/artifact/reader.h"
#include "tools/tailor-run/run_command.h"

#include <cstdio>

namespace tailor::tools {

int run_inspect(const InspectArguments& arguments) {
  auto opened = runtime::Artifact::open(arguments.path);
  if (!opened.ok()) return runtime::report(opened.status());
  const runtime::Artifact& artifact = **opened;
  runtime::Result<std::string> text = [&]() -> runtime::Result<std::string> {
    if (!arguments.ir.empty()) return ir_text(artifact, arguments.ir, arguments.locations);
    if (!arguments.kernel.empty()) {
      if (arguments.as_asm) return kernel_asm(artifact, arguments.kernel);
      if (arguments.as_llvm) return kernel_llvm(artifact, arguments.kernel);
      return kernel_table(artifact, arguments.kernel, arguments.json);
    }
    if (!arguments.why.empty()) return why(artifact.spec(), arguments.why[0], arguments.why[1]);
    if (arguments.kernels) return kernel_table(artifact, "", arguments.json);
    if (arguments.memory) return memory_table(artifact.spec(), arguments.json);
    return summary(artifact, arguments.json);
  }();
  if (!text.ok()) return runtime::report(text.status());
  std::fputs(text->c_str(), stdout);
  return 0;
}

} // namespace tailor::tools
