#pragma once
#include "runtime/data/open.h"

namespace tailor::runtime {

/// What `tailor data PATH` and `tailor init PATH` know about a file.
struct DataDescription {
  FileProfile profile;
  DataSchema schema;
  SchemaReasons reasons;
  std::vector<std::int64_t> class_counts; ///< [K], undamaged rows
};

/// Looks at a csv or csv.gz file; `plan` carries what the user said (label, separator, strip, columns). A
/// label suffix shared by all labels of no other meaning (the full stop of Adult's test file) is found when
/// plan.label_strip is empty.
Result<DataDescription> describe_csv(const std::string& path, DataPlan plan);

/// The report: rows, classes with counts, `r = 0.01 (1:100)`, groups, columns with types and missing counts,
/// damaged rows.
std::string format_description(const DataDescription& description, const GroupRule& groups);

/// A commented runnable recipe for the file, each suggestion with its reason. `test_path` may be empty.
/// Source    sections and keys of `tailor recipe --describe`.
std::string suggest_recipe(const DataDescription& description, const std::string& path,
                           const std::string& test_path);

} // namespace tailor::runtime
