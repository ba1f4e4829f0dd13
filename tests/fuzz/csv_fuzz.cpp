// Any bytes as a table: profile it, infer a schema, read it, fit, encode, describe, suggest. Nothing may
// crash, and what is read must agree with what was profiled. The first byte picks format and policies.
#include "runtime/data/describe.h"
#include "runtime/data/find_format.h"
#include "runtime/data/fitted.h"

#include <cmath>
#include <cstdlib>
#include <numeric>

using namespace tailor::runtime;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

void read_and_encode(std::string_view bytes, const DataSchema& schema, const TablePlan& plan) {
  auto source = memory_byte_source(bytes);
  if (!source.ok()) return;
  const Result<RawTable> table = read_table(std::move(*source), "fuzz.csv", schema, {.csv = plan.csv});
  if (!table.ok()) return;
  std::vector<std::int32_t> rows(static_cast<std::size_t>(table->num_rows));
  std::iota(rows.begin(), rows.end(), 0);
  for (const Normalisation normalisation : {Normalisation::kStandard, Normalisation::kQuantile}) {
    const Result<FittedState> fitted = fit(*table, rows, schema, normalisation);
    if (!fitted.ok()) continue;
    const Result<FittedState> again = FittedState::from_json(fitted->to_json());
    expect(again.ok() && *again == *fitted);
    const Result<Dataset> data = encode(*table, rows, schema, *fitted);
    if (!data.ok()) { // a cell beyond f32: an outlier of a column whose std is tiny
      expect(data.status().message().find("standard deviations") != std::string::npos);
      continue;
    }
    const std::vector<std::int32_t> capacities = schema.category_capacities();
    const std::span<const std::int32_t> category = data->values<std::int32_t>(input_names::kCategory);
    for (std::size_t i = 0; i < category.size(); ++i)
      expect(category[i] >= 0 && category[i] < capacities[i % capacities.size()]);
    for (const float value : data->values<float>(input_names::kNumeric))
      expect(std::isfinite(value));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = bytes[0];
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  TablePlan plan;
  plan.csv.header = static_cast<HeaderLine>(choice % 3);
  plan.csv.separator = "\0,;\t"[choice / 3 % 4];
  plan.missing = static_cast<MissingPolicy>(choice / 12 % 3);
  plan.label = ColumnRef{"", choice & 0x80 ? 0 : -1};
  if (choice / 36 % 2) {
    plan.cells.number = {',', '.'};
    plan.cells.signs = {"$", "%", "\xE2\x82\xAC"};
    plan.cells.missing.push_back("-999");
  }

  auto source = memory_byte_source(text);
  if (!source.ok()) return 0;
  const Result<FileProfile> profile = profile_csv(std::move(*source), "fuzz.csv", plan.csv, {}, plan.cells);
  if (!profile.ok()) return 0;
  for (const ColumnProfile& column : profile->columns)
    expect(column.num_values + column.num_missing == profile->num_rows);
  (void)find_format(*profile).lines();
  const Result<DataSchema> schema = infer_schema(*profile, plan);
  if (!schema.ok()) return 0;
  const Result<DataSchema> stored = schema_from_json(schema_to_json(*schema));
  expect(stored.ok() && *stored == *schema);
  plan.csv.separator = profile->separator;
  read_and_encode(text, *schema, plan);
  return 0;
}
