// artifact_seed FILE: writes an artifact that has every field of the format as it is now, for the artifact fuzzer to start from.
#include "runtime/artifact/writer.h"
#include "tests/unit/runtime/artifact/sample.h"

#include <cstdio>

int main(int argc, char** argv) {
  using namespace tailor::runtime;
  if (argc != 2) {
    std::fputs("usage: artifact_seed FILE\n", stderr);
    return 2;
  }
  const Status status = write_artifact_file(sample_spec(), sample_sections(), argv[1]);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
