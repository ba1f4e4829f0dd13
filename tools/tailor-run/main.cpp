#include "tools/tailor-run/run_command.h"

int main(int argc, char** argv) {
  return tailor::runtime::guarded_main([&] {
    return tailor::runtime::run_command("tailor-run", std::vector<std::string>(argv + 1, argv + argc));
  });
}
