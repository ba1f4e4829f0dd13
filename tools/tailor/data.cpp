#include "tools/tailor/data.h"

#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "tools/tailor-run/run_command.h"
#include "tools/tailor/table_arguments.h"

#include <charconv>

namespace tailor::tools {

using namespace tailor::runtime;

Result<DataDescription> describe(const TableArguments& arguments) {
  TablePlan plan;
  if (!arguments.separator.empty()) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.csv.separator, parse_separator(arguments.separator));
  }
  if (arguments.header == "yes" || arguments.header == "no")
    plan.csv.header = arguments.header == "yes" ? HeaderLine::kYes : HeaderLine::kNo;
  else if (!arguments.header.empty())
    return invalid_argument("header '", arguments.header, "', expected yes or no");
  if (!arguments.label.empty()) {
    // A whole number is a position, anything else a name.
    ColumnRef label{arguments.label, 0};
    const char* end = arguments.label.data() + arguments.label.size();
    if (const auto [stop, error] = std::from_chars(arguments.label.data(), end, label.position);
        error == std::errc() && stop == end)
      label.name.clear();
    plan.label = label;
  }
  return describe_csv(arguments.path, std::move(plan));
}

int run_data(const DataArguments& arguments) {
  const Result<GroupRule> groups = parse_group_rule(arguments.groups);
  if (!groups.ok()) return report(groups.status());
  const Result<DataDescription> description = describe(arguments.table);
  if (!description.ok()) return report(description.status());
  const Result<std::string> text = format_description(*description, *groups);
  if (!text.ok()) return report(text.status());
  print(*text);
  if (!arguments.schema_out.empty()) {
    const InputFile table = {"table", arguments.table.path};
    if (const Status status = check_output(arguments.schema_out, {&table, 1}); !status.ok())
      return report(status);
    if (const Status status =
            write_file_atomic(arguments.schema_out, schema_to_json(description->schema) + "\n");
        !status.ok())
      return report(status);
    print(concat("schema written to ", arguments.schema_out, "\n"));
  }
  return 0;
}

} // namespace tailor::tools
