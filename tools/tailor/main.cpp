#include "tools/tailor-run/run_command.h"
#include "tools/tailor/commands.h"

int main(int argc, char** argv) {
  return tailor::runtime::guarded_main([&] { return tailor::tools::run_tool(argc, argv, {}); });
}
