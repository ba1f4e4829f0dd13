#pragma once
#include <string>

namespace tailor::tools {

/// What the user may say about a table: `tailor data` and `tailor init` share it. Empty = find out.
struct TableArguments {
  std::string path;
  std::string label;     ///< column name or position
  std::string separator; ///< as parse_separator takes it
  std::string header;    ///< yes | no
};

struct DataArguments {
  TableArguments table;
  std::string groups = "thresholds(20,100)";
  std::string schema_out; ///< write the schema there as JSON
};

/// `tailor data PATH`: prints what is in a table. Returns the exit code; errors go to stderr.
int run_data(const DataArguments& arguments);

} // namespace tailor::tools
