#include "runtime/data/open.h"

#include "runtime/data/sources/generated.h"

#include "data_testing.h"

#include <chrono>
#include <set>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

TablePlanToOpen plan_for(std::string path, ColumnRef label = {"", -1}) {
  TablePlanToOpen plan;
  plan.train = std::move(path);
  plan.label = std::move(label);
  return plan;
}

DataPlan blobs(const GeneratedSpec& spec) {
  return {make_generated_source("blobs", spec, generate_blobs), Normalisation::kNone, {}, {}, {}};
}

DataPlan two_moons(const GeneratedSpec& spec) {
  return {make_generated_source("two_moons", spec, generate_two_moons), Normalisation::kNone, {}, {}, {}};
}

DataBundle open(const DataPlan& plan, const OpenOptions& options = {}) {
  return value_of(open_data(plan, value_of(schema_of(plan)), options));
}

/// 200 rows, x ascending, classes a (3 of 4) and b, groups of 5 rows.
std::string table_text() {
  std::string text = "x,who,y\n";
  for (int i = 0; i < 200; ++i)
    text += concat(i, ",g", i / 5, ",", i % 4 == 3 ? "b" : "a", "\n");
  return text;
}

TEST(Open, SplitsFitsOnTrainAndEncodes) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.drop = {named("who")};
  plan.normalisation = Normalisation::kStandard;
  const DataBundle bundle = open(plan);
  EXPECT_EQ(bundle.train.num_rows, 128);
  EXPECT_EQ(bundle.val.num_rows, 32);
  EXPECT_EQ(bundle.test.num_rows, 40);
  EXPECT_EQ(bundle.fitted.class_counts, bundle.train.class_counts);
  EXPECT_EQ(bundle.test.class_counts, (std::vector<std::int64_t>{30, 10}));
  double sum = 0;
  for (const float value : bundle.train.values<float>("numeric"))
    sum += value;
  EXPECT_NEAR(sum, 0, 1e-3); // the training mean, not that of all rows
  double test_sum = 0;
  for (const float value : bundle.test.values<float>("numeric"))
    test_sum += value;
  EXPECT_GT(std::abs(test_sum), 1e-2);
}

TEST(Open, FittedStateIsUsedUnchanged) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.drop = {named("who")};
  FittedState fitted = open(plan).fitted;
  fitted.numeric.mean[0] = 1000;
  plan.normalisation = Normalisation::kStandard;
  fitted.numeric.normalisation = Normalisation::kStandard;
  const DataBundle bundle = open(plan, {.fitted = &fitted});
  EXPECT_EQ(bundle.fitted, fitted);
  EXPECT_LT(bundle.train.values<float>("numeric")[0], -10);
  // A checkpoint of other data is refused.
  plan.split.test = 0.3;
  EXPECT_EQ(open_data(plan, value_of(schema_of(plan)), {.fitted = &fitted}).status().code(),
            StatusCode::kIncompatible);
}

TEST(Open, CutsTrainAndTestByTheirOwnRatios) {
  DataPlan plan = blobs({.train_per_class = 5000,
                         .val_per_class = 1000,
                         .test_per_class = 1000,
                         .classes = 10,
                         .dimensions = 4});
  plan.long_tail = LongTailSpec{.r = 0.01};
  plan.test_long_tail = LongTailSpec{.r = 0.1};
  const DataBundle bundle = open(plan);
  EXPECT_EQ(bundle.train.class_counts,
            (std::vector<std::int64_t>{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}));
  EXPECT_EQ(bundle.test.class_counts,
            (std::vector<std::int64_t>{1000, 774, 599, 464, 359, 278, 215, 166, 129, 100}));
  EXPECT_EQ(bundle.val.class_counts, std::vector<std::int64_t>(10, 1000));
  EXPECT_EQ(bundle.train.find("numeric")->input().row_shape, (std::vector<std::int64_t>{4}));
}

TEST(Open, SubsetMayFollowTheRunSeed) {
  DataPlan plan = two_moons({.train_per_class = 300});
  plan.long_tail = LongTailSpec{.r = 0.1};
  const auto rows = [&](std::uint64_t seed) { return open(plan, {.run_seed = seed}).train.source_row; };
  EXPECT_EQ(rows(1), rows(2));
  plan.long_tail->subset_follows_run = true;
  EXPECT_NE(rows(1), rows(2));
}

TEST(Open, ValidationRowsMayFollowTheRunSeed) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  const auto rows = [&](std::uint64_t seed) { return open(plan, {.run_seed = seed}); };
  EXPECT_EQ(rows(1).val.source_row, rows(2).val.source_row);
  plan.split.val_follows_run = true;
  const DataBundle one = rows(1), two = rows(2);
  EXPECT_NE(one.val.source_row, two.val.source_row);
  EXPECT_EQ(one.test.source_row, two.test.source_row) << "the test rows are those of data.split.seed";
  EXPECT_EQ(one.val.class_counts, two.val.class_counts) << "still stratified";
}

TEST(Open, SplitsByGroupAndByTime) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.group = named("who");
  plan.split.by = SplitBy::kGroup;
  const DataBundle grouped = open(plan);
  std::set<std::int32_t> train_groups;
  for (const std::int32_t row : grouped.train.source_row)
    train_groups.insert(row / 5);
  for (const std::int32_t row : grouped.test.source_row)
    EXPECT_FALSE(train_groups.contains(row / 5));
  EXPECT_EQ(grouped.train.find("numeric")->input().row_shape, (std::vector<std::int64_t>{1}));

  plan = plan_for(plan.train, named("y"));
  plan.drop = {named("who")};
  plan.time = named("x");
  plan.split.by = SplitBy::kTime;
  TablePlanToOpen no_feature = plan;
  EXPECT_THAT(schema_of(no_feature).status().message(), HasSubstr("no column left to learn from"));
  plan.drop.clear();
  plan.categorical = {named("who")};
  const DataBundle timed = open(plan);
  EXPECT_EQ(timed.test.source_row.front(), 160);
  EXPECT_EQ(timed.val.source_row.front(), 128);
  // Groups of the last rows were never seen in training: all coded as unknown, and said so.
  EXPECT_EQ(timed.test.values<std::int32_t>("category")[0],
            value_of(schema_of(plan)).columns[1].capacity - 1);
  EXPECT_THAT(timed.notes, testing::Contains(HasSubstr(
                               "test: 40 cells of column 'who' hold a category that training never saw")));
}

TEST(Open, SeparateFiles) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.drop = {named("who")};
  plan.val = folder.write("v.csv", "x,y\n1,a\n2,b\n");
  plan.test = folder.write("u.csv", "y,x\na,1\na,2\na,3\n");
  plan.split = {.by = SplitBy::kFiles, .val = 0, .test = 0};
  const DataBundle bundle = open(plan);
  EXPECT_EQ(bundle.train.num_rows, 200);
  EXPECT_EQ(bundle.val.num_rows, 2);
  EXPECT_EQ(bundle.test.num_rows, 3);
  EXPECT_EQ(bundle.test.class_counts, (std::vector<std::int64_t>{3, 0}));
  plan.test = folder.write("w.csv", "y,x\nc,1\n");
  EXPECT_THAT(open_data(plan, value_of(schema_of(plan))).status().message(),
              HasSubstr("label 'c' is not one of the 2 classes"));
}

TEST(Dataset, HashesSeeWhatTheirColumnsAreFor) {
  const auto make = [](float x, std::int32_t label, float weight) {
    Dataset data;
    data.num_rows = 2;
    data.num_classes = 2;
    data.columns = {DataColumn({"numeric", DType::kF32, {1}}, 2),
                    DataColumn({"label", DType::kI32, {}, InputUse::kLabel}, 2),
                    DataColumn({"row_weight", DType::kF32, {}, InputUse::kRow}, 2)};
    data.columns[0].values<float>()[1] = x;
    data.columns[1].values<std::int32_t>()[1] = label;
    data.columns[2].values<float>()[1] = weight;
    return data;
  };
  const Dataset data = make(1, 0, 1);
  EXPECT_EQ(content_hash(make(1, 0, 1)), content_hash(data));
  EXPECT_NE(content_hash(make(2, 0, 1)), content_hash(data));
  EXPECT_NE(content_hash(make(1, 1, 1)), content_hash(data));
  EXPECT_NE(content_hash(make(1, 0, 2)), content_hash(data)); // it trains differently
  EXPECT_NE(row_hash(make(2, 0, 1), 1), row_hash(data, 1));
  EXPECT_NE(row_hash(make(1, 1, 1), 1), row_hash(data, 1));
  EXPECT_EQ(row_hash(make(1, 0, 2), 1), row_hash(data, 1)); // and is the same row
}

TEST(Open, AGroupInTwoFilesIsAnError) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.group = named("who");
  plan.test = folder.write("u.csv", "x,who,y\n1,g3,a\n");
  plan.split = {.by = SplitBy::kGroup, .test = 0};
  EXPECT_THAT(open_data(plan, value_of(schema_of(plan))).status().message(), HasSubstr("group 'g3' is in"));
}

TEST(Open, AnEmptyClassIsAnError) {
  const TemporaryFolder folder;
  const std::string rows = "x,y\n1,a\n2,a\n3,a\n4,b\n";
  const DataSchema schema = value_of(schema_of(plan_for(folder.write("s.csv", rows + "5,c\n"), named("y"))));
  EXPECT_THAT(open_data(plan_for(folder.write("t.csv", rows), named("y")), schema).status().message(),
              HasSubstr("class 'c' has no row in the training split"));
}

TEST(Open, SchemaAndOptionsMustAgree) {
  DataPlan plan = two_moons({});
  const DataSchema schema = value_of(schema_of(plan));
  plan.normalisation = Normalisation::kStandard;
  EXPECT_EQ(open_data(plan, schema).status().code(), StatusCode::kIncompatible);
  plan.normalisation = Normalisation::kNone;
  plan = blobs({.dimensions = 3});
  EXPECT_EQ(open_data(plan, schema).status().code(), StatusCode::kIncompatible);
}

// Whoever has the options shows the line that named the table, whatever is wrong in it.
TEST(OpenData, FailuresAreAboutTheKeyThatLedThere) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.drop = {named("who")};
  const DataSchema schema = value_of(schema_of(plan));
  for (const char* cell : {"abc", ""}) {
    const std::string header = table_text().substr(0, table_text().find('\n') + 1);
    folder.write("t.csv", header + cell + ",g1,a\n");
    const Status status = open_data(plan, schema).status();
    EXPECT_THAT(status.message(), HasSubstr("expected a number"));
    EXPECT_EQ(status.key(), "data.train");
    Options options;
    Option train;
    train.value = OptionValue("t.csv");
    train.origin = "r.toml:2:1";
    options.set("data.train", train);
    EXPECT_THAT(at_option(options, status).message(),
                testing::StartsWith("r.toml:2:1: reading the training table: "));
  }
}

TEST(OpenExtra, PredictsOnFilesOfTheSameShape) {
  const TemporaryFolder folder;
  TablePlanToOpen plan = plan_for(folder.write("t.csv", table_text()), named("y"));
  plan.categorical = {named("who")};
  const DataSchema schema = value_of(schema_of(plan));
  const FittedState fitted = open(plan).fitted;
  std::vector<std::string> notes;
  const Dataset data = value_of(
      open_extra(folder.write("p.csv", "who,x\ng1,5\nnobody,6\n"), plan, schema, fitted, false, &notes));
  EXPECT_EQ(data.num_rows, 2);
  EXPECT_TRUE(data.labels().empty());
  EXPECT_THAT(data.values<std::int32_t>("label"), testing::ElementsAre(0, 0)); // for a program that takes it
  EXPECT_THAT(data.values<float>("numeric"), testing::ElementsAre(5, 6));
  EXPECT_EQ(data.values<std::int32_t>("category")[1], schema.columns[1].capacity - 1);
  EXPECT_THAT(notes, testing::ElementsAre(HasSubstr("data: 1 cells of column 'who'")));
  EXPECT_FALSE(open_extra(folder.write("q.csv", "who,x\ng1,5\n"), plan, schema, fitted, true).ok());
}

TEST(RealData, Adult) {
  const std::string train = real_data("adult.data.gz"), test = real_data("adult.test.gz");
  if (train.empty()) GTEST_SKIP() << "TAILOR_DATA_DIR is not set or holds no Adult";
  TablePlanToOpen plan = plan_for(train);
  plan.label_strip = ".";
  plan.test = test;
  plan.split = {.val = 0.2, .test = 0};
  plan.normalisation = Normalisation::kQuantile;
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_FALSE(schema.named);
  EXPECT_EQ(schema.num_numeric(), 6);
  EXPECT_EQ(schema.category_capacities(), (std::vector<std::int32_t>{10, 17, 8, 16, 7, 6, 3, 43}));
  EXPECT_EQ(schema.class_names, (std::vector<std::string>{"<=50K", ">50K"}));
  EXPECT_EQ(schema.positive_class, 1);

  const auto start = std::chrono::steady_clock::now();
  const RawTable whole = value_of(read_table(train, schema, {}));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  RecordProperty("read_ms", static_cast<int>(seconds.count() * 1000));
  EXPECT_LT(seconds.count(), 2.0) << "reading Adult takes about 0.02 s";
  EXPECT_EQ(std::count(whole.label.begin(), whole.label.end(), 0), 24720);
  EXPECT_EQ(std::count(whole.label.begin(), whole.label.end(), 1), 7841);
  EXPECT_EQ(whole.numeric[1][1], 83311.0);
  const TextColumn& work = whole.category[0];
  EXPECT_EQ(work.values[static_cast<std::size_t>(work.codes[0])], "State-gov");
  const auto missing =
      std::find(work.values.begin(), work.values.end(), kMissingCategory) - work.values.begin();
  EXPECT_EQ(std::count(work.codes.begin(), work.codes.end(), static_cast<std::int32_t>(missing)), 1836);

  const DataBundle bundle = value_of(open_data(plan, schema));
  EXPECT_EQ(bundle.train.class_counts, (std::vector<std::int64_t>{19776, 6273}));
  EXPECT_EQ(bundle.val.class_counts, (std::vector<std::int64_t>{4944, 1568}));
  EXPECT_EQ(bundle.test.class_counts, (std::vector<std::int64_t>{12435, 3846}));
  EXPECT_EQ(bundle.fitted.numeric.num_quantiles, 868); // 26049 / 30
}

TEST(RealData, Mammography) {
  const std::string path = real_data("mammography.csv.gz");
  if (path.empty()) GTEST_SKIP() << "TAILOR_DATA_DIR is not set or holds no mammography";
  TablePlanToOpen plan = plan_for(path);
  plan.normalisation = Normalisation::kStandard;
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_EQ(schema.class_names, (std::vector<std::string>{"-1", "1"}));
  EXPECT_EQ(schema.positive_class, 1);
  EXPECT_EQ(schema.num_numeric(), 6);
  const DataBundle bundle = value_of(open_data(plan, schema));
  std::vector<std::int64_t> total(2, 0);
  for (const Dataset* data : {&bundle.train, &bundle.val, &bundle.test})
    for (std::size_t k = 0; k < 2; ++k)
      total[k] += data->class_counts[k];
  EXPECT_EQ(total, (std::vector<std::int64_t>{10923, 260}));
  EXPECT_EQ(bundle.test.class_counts, (std::vector<std::int64_t>{2185, 52}));
}

TEST(RealData, Covertype) {
  const std::string path = real_data("covtype_first20000.csv.gz");
  if (path.empty()) GTEST_SKIP() << "TAILOR_DATA_DIR is not set or holds no covertype";
  const TablePlanToOpen plan = plan_for(path);
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_EQ(schema.num_numeric(), 54);
  const RawTable table = value_of(read_table(path, schema, {}));
  std::vector<std::int64_t> counts(7, 0);
  for (const std::int32_t label : table.label)
    ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, (std::vector<std::int64_t>{2942, 6022, 2160, 2160, 2396, 2160, 2160}));
}

TEST(RealData, CoverBinaryHasAHeader) {
  const std::string path = real_data("cover_binary_286048.csv.gz");
  if (path.empty()) GTEST_SKIP() << "TAILOR_DATA_DIR is not set or holds no cover_binary";
  const TablePlanToOpen plan = plan_for(path, named("label"));
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_TRUE(schema.named);
  const RawTable table = value_of(read_table(path, schema, {}));
  EXPECT_EQ(std::count(table.label.begin(), table.label.end(), 0), 283301);
  EXPECT_EQ(std::count(table.label.begin(), table.label.end(), 1), 2747);
}

} // namespace
} // namespace tailor::runtime
