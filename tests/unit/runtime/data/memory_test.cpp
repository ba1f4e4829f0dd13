// data.format = "memory": rows that the process holds.
#include "runtime/base/memory_table.h"

#include "data_testing.h"

#include <cmath>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

MemoryTable rows() {
  MemoryTable table;
  table.columns = {{"age", std::vector<double>{30, 41, 52, 63}},
                   {"job", std::vector<std::string>{"a", "", "b", "a"}}};
  table.label_name = "fraud";
  table.class_names = {"no", "yes"};
  table.positive_class = 1;
  table.labels = {0, 1, 0, 1};
  table.parts = {SplitPart::kTrain, SplitPart::kTrain, SplitPart::kVal, SplitPart::kTest};
  table.row_weights = {1, 2, 3, 4};
  return table;
}

Options memory(const std::string& name) {
  Options options;
  options.set("data.format", "memory");
  options.set("data.memory", name);
  options.set("data.numeric", "none");
  options.set("data.split.by", "files");
  return options;
}

DataBundle open(const Options& options) {
  const DataPlan plan = value_of(data_plan_from(options, ""));
  return value_of(open_data(plan, value_of(schema_of(plan))));
}

TEST(Memory, RowsGoToTheirSplits) {
  ASSERT_TRUE(keep_memory_table("four", rows()));
  const DataBundle bundle = open(memory("four"));
  EXPECT_THAT(bundle.train.values<float>("numeric"), testing::ElementsAre(30, 41));
  EXPECT_THAT(bundle.val.values<float>("numeric"), testing::ElementsAre(52));
  EXPECT_THAT(bundle.test.values<float>("numeric"), testing::ElementsAre(63));
  EXPECT_THAT(bundle.train.values<float>("row_weight"), testing::ElementsAre(1, 2));
  EXPECT_THAT(bundle.train.values<std::int32_t>("category"),
              testing::ElementsAre(1, 0)); // "(missing)" sorts first
  EXPECT_THAT(bundle.train.labels(), testing::ElementsAre(0, 1));
}

TEST(Memory, IsCutAndNormalisedLikeATable) {
  MemoryTable table = rows();
  table.columns.resize(1);
  table.parts.clear();
  table.row_weights.clear();
  auto& ages = std::get<std::vector<double>>(table.columns[0].values);
  ages.assign(100, 1);
  table.labels.assign(100, 0);
  for (std::size_t i = 0; i < 100; ++i) {
    ages[i] = static_cast<double>(i);
    table.labels[i] = i % 4 == 0;
  }
  ASSERT_TRUE(keep_memory_table("whole", table));
  ages[7] = std::nan("");
  ASSERT_TRUE(keep_memory_table("hundred", table));
  Options options = memory("whole");
  EXPECT_THAT(open_data(value_of(data_plan_from(options, "")),
                        value_of(schema_of(value_of(data_plan_from(options, "")))))
                  .status()
                  .message(),
              HasSubstr("data.split.by = \"files\", and the rows 'whole' have no parts given"));
  options.set("data.split.by", "time");
  EXPECT_THAT(data_plan_from(options, "").status().message(),
              HasSubstr("rows in memory are split \"stratified\""));
  options = memory("hundred");
  options.set("data.split.by", "stratified");
  const DataPlan plan = value_of(data_plan_from(options, ""));
  EXPECT_THAT(open_data(plan, value_of(schema_of(plan))).status().message(),
              HasSubstr("row 7 of 'hundred': column 'age': expected a number, found nan"));
  options.set("data.numeric", "standard");
  options.set("data.missing", "flag");
  options.set("data.split.test", 0.4);
  options.set("data.split.val", 0.2);
  const DataBundle bundle = open(options);
  EXPECT_EQ(bundle.train.num_rows, 40);
  EXPECT_EQ(bundle.val.num_rows, 20);
  EXPECT_EQ(bundle.test.num_rows, 40);
  EXPECT_EQ(bundle.train.find("numeric")->input().row_shape, (std::vector<std::int64_t>{2})); // with the flag
}

TEST(Memory, OfAnotherProgramIsSaidSo) {
  Options options = memory("elsewhere");
  Option name = *options.find("data.memory");
  name.origin = "fraud.cpp:12:8";
  options.set("data.memory", name);
  const DataPlan plan = value_of(data_plan_from(options, ""));
  const Status status = schema_of(plan).status();
  EXPECT_EQ(status.message(),
            "the data 'elsewhere' are in the memory of the program that says data::in_memory at "
            "fraud.cpp:12:8, not of this one");
  EXPECT_THAT(status.hint(), HasSubstr("run that program"));
  options = memory("");
  EXPECT_THAT(data_plan_from(options, "").status().message(), HasSubstr("data.memory is not set"));
}

TEST(Memory, PredictsOnTablesEvenElsewhere) {
  ASSERT_TRUE(keep_memory_table("four", rows()));
  const DataPlan here = value_of(data_plan_from(memory("four"), ""));
  const DataSchema schema = value_of(schema_of(here));
  const FittedState fitted = value_of(open_data(here, schema)).fitted;
  const DataPlan plan = value_of(data_plan_from(memory("gone"), ""));
  const TemporaryFolder folder;
  const Dataset data = value_of(open_extra(folder.write("new.csv", "job,age\nb,20\nc,21\n"), plan, schema,
                                           fitted, /*need_label=*/false));
  EXPECT_THAT(data.values<float>("numeric"), testing::ElementsAre(20, 21));
  EXPECT_FALSE(data.labelled);
}

TEST(Memory, ImagesStayBytes) {
  MemoryTable table;
  table.images = {.height = 1,
                  .width = 2,
                  .channels = 1,
                  .pixels = {0, 10, 20, 30, 40, 255},
                  .mean = {0.5},
                  .deviation = {0.25}};
  table.label_name = "label";
  table.class_names = {"dark", "light"};
  table.labels = {0, 1, 1};
  table.parts = {SplitPart::kTrain, SplitPart::kTest, SplitPart::kTrain};
  ASSERT_FALSE(keep_memory_table("pixels", table) && [&] {
    MemoryTable other = table;
    other.images.pixels[0] = 1;
    return keep_memory_table("pixels", other);
  }());
  const DataPlan plan = value_of(data_plan_from(memory("pixels"), ""));
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_THAT(schema.image_mean, testing::ElementsAre(0.5));
  table.labels = {0, 1, 1};
  table.parts = {SplitPart::kTrain, SplitPart::kTrain, SplitPart::kTest};
  ASSERT_TRUE(keep_memory_table("more pixels", table));
  const DataBundle bundle = open(memory("more pixels"));
  EXPECT_THAT(bundle.train.values<std::uint8_t>("image"), testing::ElementsAre(0, 10, 20, 30));
  EXPECT_THAT(bundle.test.values<std::uint8_t>("image"), testing::ElementsAre(40, 255));
  EXPECT_THAT(open_extra("a.png", plan, schema, bundle.fitted, false, nullptr).status().message(),
              HasSubstr("no file 'a.png' holds more of them"));
}

TEST(Memory, ANameIsGivenOnce) {
  ASSERT_TRUE(keep_memory_table("once", rows()));
  EXPECT_TRUE(keep_memory_table("once", rows()));
  MemoryTable other = rows();
  other.labels[0] = 1;
  EXPECT_FALSE(keep_memory_table("once", other));
}

} // namespace
} // namespace tailor::runtime
