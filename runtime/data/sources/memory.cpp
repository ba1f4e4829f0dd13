// The rows that a C++ program holds: frontend/data.h, in_memory().
#include "runtime/base/memory_table.h"
#include "runtime/data/key_error.h"
#include "runtime/data/source.h"
#include "runtime/options/memory_keys.h"
#include "runtime/options/table_keys.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace tailor::runtime {
namespace {

const std::vector<double>* numbers_of(const MemoryColumn& column) {
  return std::get_if<std::vector<double>>(&column.values);
}

TextColumn coded(const std::vector<std::string>& texts) {
  TextColumn column;
  std::map<std::string_view, std::int32_t> codes;
  for (const std::string& text : texts) {
    const std::string_view value = text.empty() ? kMissingCategory : std::string_view(text);
    const auto [found, is_new] = codes.emplace(value, static_cast<std::int32_t>(column.values.size()));
    if (is_new) column.values.emplace_back(value);
    column.codes.push_back(found->second);
  }
  return column;
}

class MemorySource final : public DataSource {
public:
  MemorySource(std::string name, std::string origin, MissingPolicy missing, SplitSpec split)
      : name_(std::move(name)), origin_(std::move(origin)), missing_(missing), split_(split) {}

  Result<DataSchema> schema(SchemaNotes*) const override {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto table, find());
    DataSchema schema;
    schema.named = true;
    schema.missing = word_of(missing_);
    schema.num_classes = static_cast<std::int32_t>(table->class_names.size());
    schema.class_names = table->class_names;
    schema.positive_class = table->positive_class;
    const auto add = [&](const std::string& name, ColumnRole role) -> Column& {
      schema.columns.push_back(
          {.name = name, .position = static_cast<std::int32_t>(schema.columns.size()), .role = role});
      return schema.columns.back();
    };
    for (const MemoryColumn& column : table->columns) {
      if (const std::vector<double>* numbers = numbers_of(column)) {
        const bool gaps =
            std::any_of(numbers->begin(), numbers->end(), [](double x) { return std::isnan(x); });
        add(column.name, ColumnRole::kNumeric).missing_flag = gaps && missing_ == MissingPolicy::kFlag;
        continue;
      }
      const auto& texts = std::get<std::vector<std::string>>(column.values);
      add(column.name, ColumnRole::kCategorical).capacity =
          static_cast<std::int32_t>(std::set<std::string_view>(texts.begin(), texts.end()).size()) + 1;
    }
    if (const MemoryImages& images = table->images; images.height > 0) {
      schema.image_height = images.height;
      schema.image_width = images.width;
      schema.image_channels = images.channels;
      schema.image_mean = images.mean;
      schema.image_deviation = images.deviation;
    }
    add(table->label_name, ColumnRole::kLabel);
    if (!table->row_weights.empty()) add(std::string(kRowWeightsColumn), ColumnRole::kRowWeight);
    return schema;
  }

  Result<SourceRows> read(const DataSchema& schema, std::uint64_t run_seed) const override {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto table, find());
    SourceRows rows;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.train, raw(*table, schema));
    if (split_.by == SplitBy::kStratified) {
      SplitSpec split = split_;
      if (split.val_follows_run) split.val_seed = run_seed;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.rows, split_stratified(table->labels, schema.num_classes, split));
      return rows;
    }
    if (table->parts.empty())
      return wrong(key_name(&SplitKeys::by), " = \"files\", and the rows '", name_, "' have no parts given");
    for (std::size_t i = 0; i < table->parts.size(); ++i) {
      const SplitPart part = table->parts[i];
      (part == SplitPart::kTrain ? rows.rows.train
       : part == SplitPart::kVal ? rows.rows.val
                                 : rows.rows.test)
          .push_back(static_cast<std::int32_t>(i));
    }
    return rows;
  }

  /// A file has the columns of the rows in memory, by name.
  Result<RawTable> read_file(const std::string& path, const DataSchema& schema,
                             bool need_label) const override {
    if (schema.image_height > 0)
      return unimplemented("the images '", name_, "' are in the memory of a program: no file '", path,
                           "' holds more of them");
    return read_table(path, schema, {.csv = {}, .need_label = need_label, .need_row_weights = false});
  }

  bool follows_run_seed() const override { return cuts() && split_.val_follows_run; }
  ValidationRows validation() const override {
    if (!cuts()) return ValidationRows::kOwn;
    return split_.val == 0 ? ValidationRows::kNone : ValidationRows::kCut;
  }

private:
  bool cuts() const { return split_.by == SplitBy::kStratified; }

  Result<std::shared_ptr<const MemoryTable>> find() const {
    if (auto table = find_memory_table(name_)) return table;
    return not_found("the data '", name_, "' are in the memory of the program that says data::in_memory",
                     origin_.empty() ? "" : concat(" at ", origin_), ", not of this one")
        .about(key_name(&MemoryKeys::memory))
        .with_hint(
            "run that program to train; `predict --data FILE` takes a table with its columns anywhere");
  }

  Result<RawTable> raw(const MemoryTable& table, const DataSchema& schema) const {
    RawTable raw;
    raw.path = name_;
    raw.num_rows = std::ssize(table.labels);
    for (const MemoryColumn& column : table.columns) {
      const std::vector<double>* numbers = numbers_of(column);
      if (!numbers) {
        raw.category.push_back(coded(std::get<std::vector<std::string>>(column.values)));
        continue;
      }
      std::int64_t missing = 0;
      for (std::size_t i = 0; i < numbers->size(); ++i) {
        const double value = (*numbers)[i];
        if (std::isinf(value) || std::abs(value) > std::numeric_limits<float>::max())
          return invalid_argument("row ", i, " of '", name_, "': column '", column.name,
                                  "': expected a number below 3.4e38 in size, found ", value);
        if (!std::isnan(value)) continue;
        if (missing_ == MissingPolicy::kError)
          return invalid_argument("row ", i, " of '", name_, "': column '", column.name,
                                  "': expected a number, found nan")
              .with_hint(
                  ".missing = \"mean\" fills in the training mean, \"flag\" adds a column that says so");
        ++missing;
      }
      raw.numeric.push_back(*numbers);
      raw.num_missing.push_back(missing);
    }
    raw.label = table.labels;
    for (const InputColumn& input : schema.inputs()) {
      if (input.name == input_names::kRowWeight)
        std::copy(table.row_weights.begin(), table.row_weights.end(),
                  raw.columns.emplace_back(input, raw.num_rows).values<float>().begin());
      if (input.name == input_names::kImage)
        std::copy(table.images.pixels.begin(), table.images.pixels.end(),
                  raw.columns.emplace_back(input, raw.num_rows).values<std::uint8_t>().begin());
    }
    return raw;
  }

  std::string name_, origin_;
  MissingPolicy missing_;
  SplitSpec split_;
};

Result<std::shared_ptr<const DataSource>> make(const SourceRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const MemoryKeys keys, read_keys<MemoryKeys>(request.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TableKeys table, read_keys<TableKeys>(request.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const SplitKeys split_keys, read_keys<SplitKeys>(request.options));
  const std::string& key = key_name(&MemoryKeys::memory);
  if (keys.memory.empty())
    return wrong(key, " is not set, expected the name of rows that a C++ program holds")
        .with_hint("data::in_memory of a program sets it; a recipe reads a table: data.format = \"csv\"");
  if (split_keys.by != SplitBy::kStratified && split_keys.by != SplitBy::kFiles)
    return wrong(
        key_name(&SplitKeys::by), " = \"", word_of(split_keys.by),
        "\": rows in memory are split \"stratified\", or by the parts that they are given (\"files\")");
  SplitSpec split{
      .by = split_keys.by, .test = split_keys.test, .seed = static_cast<std::uint64_t>(split_keys.seed)};
  if (split_keys.val) split.val = *split_keys.val;
  read_seed(split_keys.val_seed, split.val_seed, split.val_follows_run);
  if (Status status = check_fractions(split.val, split.test); !status.ok())
    return wrong_value(key_name(&SplitKeys::val), std::move(status));
  const Option* option = request.options.find(key);
  return std::shared_ptr<const DataSource>(std::make_shared<MemorySource>(
      keys.memory, option->origin == "default" ? "" : option->origin, table.missing, split));
}

std::vector<KeySpec> all_keys() {
  return {key_spec(&MemoryKeys::memory), key_spec(&TableKeys::missing), key_spec(&SplitKeys::by),
          key_spec(&SplitKeys::val),     key_spec(&SplitKeys::test),    key_spec(&SplitKeys::seed),
          key_spec(&SplitKeys::val_seed)};
}

const Registered<SourceSpec> registered{{.name = "memory",
                                         .text = "rows that a C++ program holds: data::in_memory",
                                         .source = "methods 11.1",
                                         .keys = all_keys(),
                                         .make = make}};

} // namespace
} // namespace tailor::runtime
