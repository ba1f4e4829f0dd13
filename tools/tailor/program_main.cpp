#include "frontend/main.h"

#include "tools/tailor-run/run_command.h"
#include "tools/tailor/commands.h"

namespace tailor {

int main(TrainingProgram& program, int argc, char** argv) {
  return runtime::guarded_main([&] { return tools::run_tool(argc, argv, &program); });
}

} // namespace tailor
