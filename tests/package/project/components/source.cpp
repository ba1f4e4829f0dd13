// Three classes on one line, in turn.
#include "runtime/data/source.h"
#include "runtime/options/key_set.h"

namespace {

using namespace tailor::runtime;

struct StairsKeys {
  std::int64_t rows = 30;

  static const KeySet<StairsKeys>& keys() {
    static const KeySet<StairsKeys> set{
        "data.stairs_",
        {key("rows", &StairsKeys::rows, {.min = 3, .max = 100000, .text = "rows of each split of stairs"})}};
    return set;
  }
};

/// Row i has class i mod 3 and stands at x = class + (i mod 7) / 10.
class Stairs final : public DataSource {
public:
  explicit Stairs(std::int64_t rows) : rows_(rows) {}
  Result<DataSchema> schema(SchemaNotes*) const override {
    DataSchema schema;
    schema.columns.push_back({.name = "x"});
    schema.num_classes = 3;
    schema.class_names = {"low", "middle", "high"};
    return schema;
  }
  Result<SourceRows> read(const DataSchema&, std::uint64_t) const override {
    SourceRows rows;
    for (RawTable* table : {&rows.train, &rows.val, &rows.test}) {
      table->path = "stairs";
      table->num_rows = rows_;
      table->numeric.resize(1);
      table->num_missing.resize(1);
      for (std::int64_t i = 0; i < rows_; ++i) {
        table->numeric[0].push_back(static_cast<double>(i % 3) + static_cast<double>(i % 7) / 10);
        table->label.push_back(static_cast<std::int32_t>(i % 3));
      }
    }
    rows.own_val = rows.own_test = true;
    rows.rows = {all_rows(rows_), all_rows(rows_), all_rows(rows_)};
    return rows;
  }

private:
  std::int64_t rows_;
};

const Registered<SourceSpec> registered{
    {.name = "stairs",
     .text = "three classes on one line",
     .keys = StairsKeys::keys().specs(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const StairsKeys keys, read_keys<StairsKeys>(request.options));
       return std::shared_ptr<const DataSource>(std::make_shared<Stairs>(keys.rows));
     }}};

} // namespace
