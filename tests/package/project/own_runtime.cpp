// tailor-run for artifacts whose recipes name a source, sampler, metric or schedule of one's own. No compiler in it.
#include "tools/tailor-run/run_command.h"

int main(int argc, char** argv) {
  using namespace tailor::runtime;
  return guarded_main([&] { return run_command("own_runtime", {argv + 1, argv + argc}); });
}
