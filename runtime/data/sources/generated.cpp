#include "runtime/data/sources/generated.h"

#include <cmath>

namespace tailor::runtime {
namespace {

class GeneratedSource final : public DataSource {
public:
  GeneratedSource(std::string name, const GeneratedSpec& spec, Generator generator)
      : name_(std::move(name)), spec_(spec), generator_(std::move(generator)) {}

  Result<DataSchema> schema(SchemaNotes*) const override {
    DataSchema schema;
    for (std::int32_t i = 0; i < spec_.dimensions; ++i) {
      schema.columns.push_back({});
      schema.columns.back().name = concat("x", i);
      schema.columns.back().position = i;
    }
    schema.num_classes = spec_.classes;
    for (std::int32_t k = 0; k < schema.num_classes; ++k)
      schema.class_names.push_back(concat(k));
    if (schema.num_classes == 2) schema.positive_class = 1;
    return schema;
  }

  Result<SourceRows> read(const DataSchema& schema, std::uint64_t) const override {
    if (schema.num_numeric() != spec_.dimensions || schema.num_classes != spec_.classes)
      return incompatible("the program was compiled for ", schema.num_classes, " classes in ",
                          schema.num_numeric(), " dimensions, the options ask for ", spec_.classes, " in ",
                          spec_.dimensions);
    SourceRows rows;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.train, generate(GeneratedPart::kTrain));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.val, generate(GeneratedPart::kVal));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.test, generate(GeneratedPart::kTest));
    rows.own_val = rows.own_test = true;
    rows.rows = {all_rows(rows.train.num_rows), all_rows(rows.val.num_rows), all_rows(rows.test.num_rows)};
    return rows;
  }

private:
  Result<RawTable> generate(GeneratedPart part) const {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(GeneratedRows rows, generator_(spec_, part));
    RawTable table;
    table.path = name_;
    table.num_rows = std::ssize(rows.label);
    for (const std::vector<float>& column : rows.numeric)
      table.numeric.emplace_back(column.begin(), column.end());
    table.num_missing.resize(table.numeric.size());
    table.label = std::move(rows.label);
    return table;
  }

  std::string name_;
  GeneratedSpec spec_;
  Generator generator_;
};

} // namespace

Result<GeneratedSpec> GeneratedSpec::from(const Options& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const GeneratedKeys keys, read_keys<GeneratedKeys>(options));
  GeneratedSpec spec;
  spec.train_per_class = keys.samples_per_class;
  spec.val_per_class = keys.val_per_class;
  spec.test_per_class = keys.test_per_class;
  spec.seed = static_cast<std::uint64_t>(keys.seed);
  spec.noise = keys.noise;
  spec.separation = keys.separation;
  return spec;
}

Status check_generated(const GeneratedSpec& spec, std::int64_t per_class) {
  constexpr std::int64_t kMaxSize = 65536, kMaxValues = std::int64_t{1} << 31;
  if (per_class < 1 || per_class > kMaxValues)
    return invalid_argument("a generated set of ", per_class, " rows a class, expected 1 to ", kMaxValues);
  if (spec.classes < 2 || spec.classes > kMaxSize)
    return invalid_argument("a generated set of ", spec.classes, " classes, expected 2 to ", kMaxSize);
  if (spec.dimensions < 1 || spec.dimensions > kMaxSize)
    return invalid_argument("a generated set of ", spec.dimensions, " dimensions, expected 1 to ", kMaxSize);
  if (!std::isfinite(spec.noise) || spec.noise < 0 || !std::isfinite(spec.separation) || spec.separation < 0)
    return invalid_argument("noise ", spec.noise, " and separation ", spec.separation,
                            ", expected finite numbers of at least 0");
  const std::int64_t rows = per_class * spec.classes; // below 2^47
  if (rows > kMaxValues / (spec.dimensions + 1))
    return invalid_argument("a generated set of ", rows, " rows x ", spec.dimensions,
                            " dimensions, expected at most ", kMaxValues, " values");
  return {};
}

std::int64_t rows_per_class(const GeneratedSpec& spec, GeneratedPart part) {
  switch (part) {
  case GeneratedPart::kTrain:
    return spec.train_per_class;
  case GeneratedPart::kVal:
    return spec.val_per_class;
  case GeneratedPart::kTest:
    break;
  }
  return spec.test_per_class;
}

GeneratedRows empty_rows(std::int64_t num_rows, std::int32_t dimensions) {
  GeneratedRows rows;
  rows.numeric.resize(static_cast<std::size_t>(dimensions));
  for (std::vector<float>& column : rows.numeric)
    column.reserve(static_cast<std::size_t>(num_rows));
  rows.label.reserve(static_cast<std::size_t>(num_rows));
  return rows;
}

std::shared_ptr<const DataSource> make_generated_source(std::string name, const GeneratedSpec& spec,
                                                        Generator generator) {
  return std::make_shared<GeneratedSource>(std::move(name), spec, std::move(generator));
}

} // namespace tailor::runtime
