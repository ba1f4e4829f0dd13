#include "runtime/data/sources/csv.h"

#include "runtime/data/key_error.h"
#include "runtime/data/schema.h"
#include "runtime/options/split_keys.h"
#include "runtime/options/table_keys.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

Result<SplitRows> split(const RawTable& table, const TablePlan& plan, std::int32_t num_classes,
                        std::uint64_t run_seed) {
  SplitSpec spec = plan.split;
  if (spec.val_follows_run) spec.val_seed = run_seed;
  switch (spec.by) {
  case SplitBy::kGroup:
    if (table.group.codes.empty())
      return invalid_argument("'", table.path, "' has no group column to split by");
    return split_by_group(table.group.codes, spec);
  case SplitBy::kTime:
    if (table.time.empty()) return invalid_argument("'", table.path, "' has no time column to split by");
    return split_by_time(table.time, spec);
  case SplitBy::kStratified:
  case SplitBy::kFiles:
    break;
  }
  return split_stratified(table.label, num_classes, spec);
}

/// No group of the training file may turn up in a file of its own.
Status check_groups(const RawTable& train, const RawTable& other) {
  std::vector<std::string> known = train.group.values;
  std::sort(known.begin(), known.end());
  for (const std::string& group : other.group.values)
    if (std::binary_search(known.begin(), known.end(), group))
      return invalid_argument("group '", group, "' is in '", train.path, "' and in '", other.path,
                              "', expected every group in one split");
  return {};
}

class CsvSource final : public DataSource {
public:
  explicit CsvSource(TablePlan plan) : plan_(std::move(plan)) {}

  Result<DataSchema> schema(SchemaNotes* notes) const override { return table_schema(plan_, notes); }

  Result<SourceRows> read(const DataSchema& schema, std::uint64_t run_seed) const override {
    SourceRows rows;
    const ReadOptions read{.csv = plan_.csv};
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.train, of_key(&TableKeys::train, "reading the training table",
                                                     read_table(plan_.train, schema, read)));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.rows, of_key(&SplitKeys::by, "splitting the training table",
                                                    split(rows.train, plan_, schema.num_classes, run_seed)));
    if (!plan_.val.empty()) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.val, of_key(&TableKeys::val, "reading the validation table",
                                                     read_table(plan_.val, schema, read)));
      rows.own_val = true;
      rows.rows.val = all_rows(rows.val.num_rows);
      TAILOR_RETURN_IF_ERROR_AS_IS(check_groups(rows.train, rows.val));
    }
    if (!plan_.test.empty()) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.test, of_key(&TableKeys::test_file, "reading the test table",
                                                      read_table(plan_.test, schema, read)));
      rows.own_test = true;
      rows.rows.test = all_rows(rows.test.num_rows);
      TAILOR_RETURN_IF_ERROR_AS_IS(check_groups(rows.train, rows.test));
    }
    return rows;
  }

  Result<RawTable> read_file(const std::string& path, const DataSchema& schema,
                             bool need_label) const override {
    return read_table(path, schema, {.csv = plan_.csv, .need_label = need_label, .need_row_weights = false});
  }

  bool follows_run_seed() const override { return plan_.split.val_follows_run; }

  ValidationRows validation() const override {
    if (!plan_.val.empty()) return ValidationRows::kOwn;
    if (plan_.split.val == 0) return ValidationRows::kNone;
    const bool by_seed = plan_.split.by == SplitBy::kStratified || plan_.split.by == SplitBy::kGroup;
    return by_seed ? ValidationRows::kCut : ValidationRows::kOwn;
  }

  std::vector<std::pair<std::string, std::string>> files() const override {
    return {{"training table", plan_.train}, {"validation table", plan_.val}, {"test table", plan_.test}};
  }

private:
  TablePlan plan_;
};

std::vector<KeySpec> all_keys() {
  std::vector<KeySpec> keys = TableKeys::keys().specs();
  for (KeySpec& key : SplitKeys::keys().specs())
    keys.push_back(std::move(key));
  return keys;
}

const Registered<SourceSpec> registered{
    {.name = "csv",
     .text = "a table in csv or csv.gz",
     .source = "methods 11.1",
     .keys = all_keys(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(TablePlan plan, table_plan_from(request.options, request.directory));
       return make_csv_source(std::move(plan));
     }}};

} // namespace

std::shared_ptr<const DataSource> make_csv_source(TablePlan plan) {
  return std::make_shared<CsvSource>(std::move(plan));
}

} // namespace tailor::runtime
