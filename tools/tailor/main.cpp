#include "tools/tailor/commands.h"

int main(int argc, char** argv) {
  return tailor::tool::run_tool(argc, argv, nullptr);
}
