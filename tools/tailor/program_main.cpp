#include "frontend/main.h"

#include "tools/tailor/commands.h"

namespace tailor {

int main(TrainingProgram& program, int argc, char** argv) {
  return tools::run_tool(argc, argv, &program);
}

} // namespace tailor
