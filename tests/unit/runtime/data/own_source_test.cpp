// A data source of one's own, in one file: what runtime/data/sources/README.md says.
#include "runtime/data/loader.h"
#include "runtime/data/sampler.h"
#include "runtime/data/source.h"
#include "runtime/options/key_table.h"

#include "data_testing.h"

#include <cmath>
#include <numeric>

namespace tailor::runtime {
namespace {

struct RampKeys {
  std::int64_t rows = 8;

  static const KeySet<RampKeys>& keys() {
    static const KeySet<RampKeys> set{
        "data.ramp_",
        {key("rows", &RampKeys::rows, {.min = 2, .max = 1000, .text = "rows of each split of a ramp"})}};
    return set;
  }
};

/// x = 0, 1, 2, ..., two classes in turn.
class RampSource final : public DataSource {
public:
  explicit RampSource(std::int64_t rows) : rows_(rows) {}
  Result<DataSchema> schema(SchemaNotes*) const override {
    DataSchema schema;
    schema.columns.push_back({.name = "x"});
    schema.num_classes = 2;
    schema.class_names = {"even", "odd"};
    return schema;
  }
  Result<SourceRows> read(const DataSchema&, std::uint64_t) const override {
    SourceRows rows;
    for (RawTable* table : {&rows.train, &rows.val, &rows.test}) {
      table->path = "ramp";
      table->num_rows = rows_;
      table->numeric.resize(1);
      table->num_missing.resize(1);
      for (std::int64_t i = 0; i < rows_; ++i) {
        table->numeric[0].push_back(static_cast<double>(i));
        table->label.push_back(static_cast<std::int32_t>(i % 2));
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
    {.name = "ramp",
     .text = "0, 1, 2, ... in two classes",
     .keys = RampKeys::keys().specs(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const RampKeys keys, read_keys<RampKeys>(request.options));
       return std::shared_ptr<const DataSource>(std::make_shared<RampSource>(keys.rows));
     }}};

Options ramp(std::int64_t rows) {
  Options options;
  options.set("data.format", "ramp");
  options.set("data.numeric", "none");
  options.set("data.ramp_rows", rows);
  return options;
}

TEST(OwnSource, GoesFromItsKeysToBatches) {
  EXPECT_THAT(registration_problems(), testing::IsEmpty());
  const DataPlan plan = value_of(data_plan_from(ramp(6), ""));
  const DataSchema schema = value_of(schema_of(plan));
  const DataBundle bundle = value_of(open_data(plan, schema));
  EXPECT_EQ(bundle.train.num_rows, 6);
  std::vector<float> x(4);
  LoaderOptions options;
  options.batch = 4;
  options.num_threads = 0;
  options.slots = {{{bundle.train.find("numeric"), reinterpret_cast<std::byte*>(x.data())}}};
  const auto loader = value_of(BatchLoader::create(make_sequential_sampler(6), options));
  BatchInfo info;
  EXPECT_TRUE(value_of(loader->acquire(info)));
  EXPECT_EQ(x, (std::vector<float>{0, 1, 2, 3}));
}

TEST(OwnSource, IsCutLikeEveryOther) {
  Options options = ramp(100);
  options.set("data.long_tail.profile", "exp");
  options.set("data.long_tail.r", 0.1);
  const DataPlan plan = value_of(data_plan_from(options, ""));
  EXPECT_EQ(value_of(open_data(plan, value_of(schema_of(plan)))).train.class_counts,
            (std::vector<std::int64_t>{50, 5}));
}

// What a source gives must be what its schema says: the mistake is named, not trained on.
TEST(OwnSource, MistakesAreNamed) {
  const DataPlan plan = value_of(data_plan_from(ramp(6), ""));
  DataSchema schema = value_of(schema_of(plan));
  schema.columns.push_back({.name = "y", .position = 1});
  EXPECT_THAT(
      open_data(plan, schema).status().message(),
      testing::HasSubstr("'ramp' has 1 numeric columns and 1 counts of missing cells, its schema says 2"));
}

/// A ramp whose further files have a label that there is not, or numbers for too few rows.
class CarelessSource final : public DataSource {
public:
  explicit CarelessSource(RawTable file) : file_(std::move(file)) {}
  Result<DataSchema> schema(SchemaNotes* notes) const override { return RampSource(6).schema(notes); }
  Result<SourceRows> read(const DataSchema& schema, std::uint64_t run_seed) const override {
    return RampSource(6).read(schema, run_seed);
  }
  Result<RawTable> read_file(const std::string&, const DataSchema&, bool) const override { return file_; }

private:
  RawTable file_;
};

// What a file to score holds is checked like what is trained on: a label is an index.
TEST(OwnSource, MistakesInFurtherFilesAreNamed) {
  DataPlan plan = value_of(data_plan_from(ramp(6), ""));
  const DataSchema schema = value_of(schema_of(plan));
  const DataBundle bundle = value_of(open_data(plan, schema));
  RawTable file;
  file.path = "more";
  file.num_rows = 2;
  file.numeric = {{1, 2}};
  file.num_missing = {0};
  const auto opened = [&](bool need_label) {
    plan.source = std::make_shared<CarelessSource>(file);
    return open_extra("more", plan, schema, bundle.fitted, need_label, nullptr).status().message();
  };
  EXPECT_EQ(opened(false), "");
  EXPECT_THAT(opened(true), testing::HasSubstr("'more' has 0 labels for 2 rows"));
  file.label = {0, 7};
  EXPECT_THAT(opened(false), testing::HasSubstr("'more' has the label 7, its schema 2 classes"));
  file.label = {0, 1};
  file.numeric = {{1}};
  EXPECT_THAT(opened(true), testing::HasSubstr("'more' has a column of 1 numbers for 2 rows"));
}

/// Images of one row and two pixels: no column of a table.
class PictureSource final : public DataSource {
public:
  explicit PictureSource(std::vector<std::int64_t> row_shape) : row_shape_(std::move(row_shape)) {}
  Result<DataSchema> schema(SchemaNotes*) const override {
    DataSchema schema;
    schema.image_height = schema.image_channels = 1;
    schema.image_width = 2;
    schema.num_classes = 2;
    schema.class_names = {"dark", "light"};
    return schema;
  }
  Result<SourceRows> read(const DataSchema&, std::uint64_t) const override {
    SourceRows rows;
    for (RawTable* table : {&rows.train, &rows.val, &rows.test}) {
      table->path = "pictures";
      table->num_rows = 3;
      table->label = {0, 1, 1};
      DataColumn& image = table->columns.emplace_back(InputColumn{"image", DType::kF32, row_shape_}, 3);
      std::iota(image.values<float>().begin(), image.values<float>().end(), 0.0f);
    }
    rows.own_val = rows.own_test = true;
    rows.rows = {{2, 0}, all_rows(3), all_rows(3)};
    return rows;
  }

private:
  std::vector<std::int64_t> row_shape_;
};

TEST(OwnSource, GivesColumnsThatNeedNoFitting) {
  DataPlan plan;
  plan.source = std::make_shared<PictureSource>(std::vector<std::int64_t>{1, 2, 1});
  const DataBundle bundle = value_of(open_data(plan, value_of(schema_of(plan))));
  const DataColumn* image = bundle.train.find("image");
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(image->input().row_shape, (std::vector<std::int64_t>{1, 2, 1}));
  EXPECT_THAT(image->values<float>(), testing::ElementsAre(4, 5, 0, 1));
  EXPECT_THAT(bundle.train.labels(), testing::ElementsAre(1, 0));
  EXPECT_EQ(bundle.train.find("numeric"), nullptr);

  plan.source = std::make_shared<PictureSource>(std::vector<std::int64_t>{2, 1, 1});
  EXPECT_THAT(
      open_data(plan, value_of(schema_of(plan))).status().message(),
      testing::HasSubstr("'pictures' has 3 rows of column 'image' f32 [2, 1, 1], its schema says 3 of "
                         "'image' f32 [1, 2, 1]"));
}

TEST(OwnSource, LeavesNormalisationToThePlan) {
  Options options = ramp(4);
  options.set("data.numeric", "standard");
  const DataPlan plan = value_of(data_plan_from(options, ""));
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_EQ(schema.numeric, "standard");
  const DataBundle bundle = value_of(open_data(plan, schema));
  EXPECT_FLOAT_EQ(bundle.train.values<float>("numeric")[0], -1.5f / std::sqrt(1.25f));
}

TEST(OwnSource, IsInTheTableAndInHints) {
  ASSERT_NE(find_key("data.ramp_rows"), nullptr);
  EXPECT_EQ(find_key("data.ramp_rows")->only_if, "data.format = ramp");
  EXPECT_THAT(find_key("data.format")->words(), testing::Contains("ramp"));
  Options options = ramp(6);
  options.set("data.format", "ramps");
  EXPECT_THAT(data_plan_from(options, "").status().message(), testing::HasSubstr("ramp"));
  const DataPlan plan = value_of(data_plan_from(ramp(6), ""));
  EXPECT_THAT(plan.source->read_file("t.csv", {}, false).status().message(),
              testing::HasSubstr("reads none"));
}

} // namespace
} // namespace tailor::runtime
