#pragma once
#include "tools/tailor/data.h"

namespace tailor::tools {

struct InitArguments {
  TableArguments table;
  std::string test;       ///< test table; empty: the one beside the table, if any
  std::string output;     ///< "-" writes to stdout; empty: the table's name with .toml, in the current folder
  bool overwrite = false; ///< replace an existing output
};

/// `tailor init PATH`: writes a commented runnable recipe. Returns the exit code; errors go to stderr.
int run_init(const InitArguments& arguments);

} // namespace tailor::tools
