#include "tools/tailor/commands.h"

int main(int argc, char** argv) {
  return tailor::tools::run_tool(argc, argv, nullptr);
}
