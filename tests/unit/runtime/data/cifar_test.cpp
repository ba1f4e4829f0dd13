#include "data_testing.h"

namespace tailor::runtime {
namespace {

constexpr std::size_t kPlane = 1024;

/// A record whose planes hold one value each, but for the red of row 1, column 2.
std::string record(std::string labels, int red, int green, int blue, int marked) {
  std::string planes = std::string(kPlane, static_cast<char>(red)) +
                       std::string(kPlane, static_cast<char>(green)) +
                       std::string(kPlane, static_cast<char>(blue));
  planes[32 + 2] = static_cast<char>(marked);
  return labels + planes;
}

Options options_of(const char* format, const std::string& folder) {
  Options options;
  options.set("data.format", format);
  options.set("data.cifar.folder", folder);
  return options;
}

std::string message(const Options& options) {
  const Result<DataPlan> plan = data_plan_from(options, "");
  if (!plan.ok()) return plan.status().message();
  return open_data(*plan, value_of(schema_of(*plan))).status().message();
}

TEST(Cifar, ReadsPlanesIntoPixels) {
  const TemporaryFolder folder;
  for (int batch = 1; batch <= 5; ++batch)
    folder.write(concat("data_batch_", batch, ".bin"),
                 record(std::string(1, static_cast<char>(batch)), 0, 128, 255, 51 * batch));
  folder.write("test_batch.bin", record("\x09", 1, 2, 3, 4) + record(std::string(1, '\0'), 5, 6, 7, 8));
  const DataPlan plan = value_of(data_plan_from(options_of("cifar10", folder.path()), ""));
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_EQ(schema.num_classes, 10);
  EXPECT_EQ(schema.class_names[9], "truck");
  const SourceRows rows = value_of(plan.source->read(schema, 0));
  EXPECT_THAT(rows.train.label, testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(rows.test.label, testing::ElementsAre(9, 0));
  EXPECT_FALSE(rows.own_val);
  EXPECT_EQ(plan.source->validation(), ValidationRows::kNone);
  ASSERT_EQ(rows.train.columns.size(), 1);
  EXPECT_EQ(rows.train.columns[0].input().describe(), "'image' u8 [32, 32, 3]");
  const auto images = rows.train.columns[0].values<std::uint8_t>();
  ASSERT_EQ(images.size(), 5 * 3 * kPlane);
  const std::size_t third = 2 * 3 * kPlane, marked = third + (32 + 2) * 3;
  EXPECT_THAT(images.subspan(third, 3), testing::ElementsAre(0, 128, 255));
  EXPECT_THAT(images.subspan(marked, 3), testing::ElementsAre(153, 128, 255));
  EXPECT_THAT(schema.image_mean, testing::ElementsAre(0.4914, 0.4822, 0.4465));
  EXPECT_THAT(schema.image_deviation, testing::ElementsAre(0.2023, 0.1994, 0.2010));
}

TEST(Cifar, IsNormalisedAsARecipeSays) {
  Options options = options_of("cifar10", "f");
  options.set("data.image.mean", OptionValue::List{0.5, 0.5, 0.25});
  options.set("data.image.std", OptionValue::List{1.0, 2.0, 3.0});
  const DataSchema schema = value_of(schema_of(value_of(data_plan_from(options, ""))));
  EXPECT_THAT(schema.image_mean, testing::ElementsAre(0.5, 0.5, 0.25));
  EXPECT_THAT(schema.image_deviation, testing::ElementsAre(1, 2, 3));
  options.set("data.image.std", 0.25);
  EXPECT_THAT(value_of(schema_of(value_of(data_plan_from(options, "")))).image_deviation,
              testing::ElementsAre(0.25, 0.25, 0.25));
  options.set("data.image.std", OptionValue::List{1.0, 2.0});
  EXPECT_EQ(message(options), "data.image.std has 2 numbers, the images have 3 channels");
  options.set("data.image.std", OptionValue::List{1.0, 0.0, 1.0});
  EXPECT_THAT(message(options), testing::HasSubstr("data.image.std"));
}

TEST(Cifar, HundredHasTwoLabels) {
  const TemporaryFolder folder;
  folder.write("train.bin", record({3, 42}, 0, 0, 0, 0) + record({19, 99}, 0, 0, 0, 0));
  folder.write("test.bin", record({0, 1}, 0, 0, 0, 0));
  Options options = options_of("cifar100", folder.path());
  for (const bool coarse : {false, true}) {
    if (coarse) options.set("data.cifar.label", "coarse");
    const DataPlan plan = value_of(data_plan_from(options, ""));
    const DataSchema schema = value_of(schema_of(plan));
    EXPECT_EQ(schema.num_classes, coarse ? 20 : 100);
    EXPECT_EQ(schema.class_names[coarse ? 3 : 42], coarse ? "food_containers" : "leopard");
    const SourceRows rows = value_of(plan.source->read(schema, 0));
    EXPECT_THAT(rows.train.label, testing::ElementsAre(coarse ? 3 : 42, coarse ? 19 : 99));
    EXPECT_EQ(rows.train.columns.at(0).values<std::uint8_t>()[0], 0);
    EXPECT_THAT(schema.image_mean, testing::ElementsAre(0.5071, 0.4867, 0.4408));
  }
}

TEST(Cifar, ReadsAFurtherFileAndTheValidationFiles) {
  const TemporaryFolder folder;
  folder.write("a.bin", record("\x01", 0, 0, 0, 0));
  folder.write("b.bin", record("\x02", 0, 0, 0, 0));
  const std::string c = folder.write("c.bin", record("\x03", 0, 0, 0, 0) + record("\x04", 0, 0, 0, 0));
  Options options = options_of("cifar10", folder.path());
  options.set("data.cifar.train", OptionValue::List{"a.bin"});
  options.set("data.cifar.val", OptionValue::List{"b.bin"});
  options.set("data.cifar.test", OptionValue::List{"c.bin"});
  const DataPlan plan = value_of(data_plan_from(options, ""));
  const DataSchema schema = value_of(schema_of(plan));
  const SourceRows rows = value_of(plan.source->read(schema, 0));
  EXPECT_THAT(rows.val.label, testing::ElementsAre(2));
  const RawTable labelled = value_of(plan.source->read_file(c, schema, true));
  EXPECT_THAT(labelled.label, testing::ElementsAre(3, 4));
  EXPECT_TRUE(value_of(plan.source->read_file(c, schema, false)).label.empty());
}

TEST(Cifar, BadFilesAreNamed) {
  const TemporaryFolder folder;
  Options options = options_of("cifar10", folder.path());
  const std::string missing = message(options);
  EXPECT_THAT(missing, testing::HasSubstr("data_batch_1.bin"));
  EXPECT_THAT(missing, testing::HasSubstr("test_batch.bin"));

  options.set("data.cifar.train", OptionValue::List{"a.bin"});
  options.set("data.cifar.test", OptionValue::List{"b.bin"});
  folder.write("b.bin", record("\x01", 0, 0, 0, 0));
  const std::string a = folder.write("a.bin", record("\x01", 0, 0, 0, 0) + record("\x0a", 0, 0, 0, 0));
  EXPECT_EQ(message(options), concat("record 1 of '", a, "': label 10, expected 0 to 9"));
  folder.write("a.bin", record("\x01", 0, 0, 0, 0) + "\x01 cut short");
  EXPECT_EQ(message(options), concat("'", a,
                                     "' ends in a record of 11 bytes, behind 1 of the 3073 bytes "
                                     "that cifar10 has"));
  folder.write("a.bin", record({1, 1}, 0, 0, 0, 0));
  EXPECT_THAT(message(options), testing::HasSubstr("ends in a record of 1 bytes"));
  folder.write("a.bin", "");
  EXPECT_EQ(message(options), concat("'", a, "' is empty, expected records of 3073 bytes"));
}

TEST(Cifar, OneFileIsInOneSplit) {
  Options options = options_of("cifar10", "f");
  options.set("data.cifar.test", OptionValue::List{"./data_batch_5.bin"});
  EXPECT_THAT(message(options),
              testing::HasSubstr("data.cifar.test names './data_batch_5.bin', and so does data.cifar.train"));
  options.set("data.cifar.folder", "");
  EXPECT_THAT(message(options), testing::HasSubstr("data.cifar.folder is not set"));
}

} // namespace
} // namespace tailor::runtime
