#include "data_testing.h"

#include <filesystem>

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

TEST(Cifar, AShareOfTheTrainingImagesValidates) {
  const TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 40; ++i)
    rows += record(std::string(1, static_cast<char>(i % 10)), i, 0, 0, 0);
  folder.write("a.bin", rows);
  folder.write("b.bin", record("\x01", 0, 0, 0, 0));
  Options options = options_of("cifar10", folder.path());
  options.set("data.cifar.train", OptionValue::List{"a.bin"});
  options.set("data.cifar.test", OptionValue::List{"b.bin"});
  options.set("data.split.val", 0.25);
  const auto val_of = [&](std::uint64_t run_seed) {
    const DataPlan plan = value_of(data_plan_from(options, ""));
    EXPECT_EQ(plan.source->validation(), ValidationRows::kCut);
    const SourceRows rows = value_of(plan.source->read(value_of(schema_of(plan)), run_seed));
    EXPECT_FALSE(rows.own_val);
    EXPECT_EQ(rows.rows.train.size(), 30);
    std::vector<std::int32_t> labels;
    for (const std::int32_t row : rows.rows.val)
      labels.push_back(rows.train.label[static_cast<std::size_t>(row)]);
    EXPECT_THAT(labels, testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)) << "stratified";
    EXPECT_EQ(rows.rows.test.size(), 1) << "the test file stays whole";
    return rows.rows.val;
  };
  EXPECT_EQ(val_of(0), val_of(1)) << "the same rows for every run";
  const std::vector<std::int32_t> by_one = val_of(0);
  options.set("data.split.val_seed", 2);
  EXPECT_NE(val_of(0), by_one);
  options.set("data.split.val_seed", "run_seed");
  EXPECT_EQ(val_of(2), val_of(2));
  EXPECT_NE(val_of(2), val_of(3));

  // The long tail is cut of what is left to train on; validation keeps the balance of the files.
  options.set("data.long_tail.profile", "exp");
  options.set("data.long_tail.r", 0.34);
  const DataPlan plan = value_of(data_plan_from(options, ""));
  const DataBundle bundle = value_of(open_data(plan, value_of(schema_of(plan))));
  EXPECT_EQ(bundle.train.class_counts.front(), 3);
  EXPECT_EQ(bundle.train.class_counts.back(), 1);
  EXPECT_THAT(bundle.val.class_counts, testing::Each(1));

  options.set("data.cifar.val", OptionValue::List{"c.bin"});
  EXPECT_EQ(message(options), "data.split.val = 0.25, and data.cifar.val names files of validation images: "
                              "expected one of the two");
  Option unread;
  unread.value = 0.5;
  unread.origin = "command line";
  options.set("data.split.test", unread);
  EXPECT_THAT(message(options), testing::HasSubstr("data.split.test has no effect: test images are files"));
  unread.origin = "default"; // as every recipe has it
  options.set("data.split.test", unread);
  options.set("data.split.by", "group");
  EXPECT_THAT(message(options), testing::HasSubstr("images are split \"stratified\""));
}

TEST(Cifar, WaysToValidateAreThoseOfTheSource) {
  EXPECT_EQ(way_to_validate(options_of("cifar10", "f")),
            "--set data.split.val=0.16, or files with data.cifar.val");
  Options options;
  options.set("data.format", "csv");
  EXPECT_EQ(way_to_validate(options), "--set data.split.val=0.16, or a file with data.val");
  options.set("data.split.by", "files");
  EXPECT_EQ(way_to_validate(options), "a file with data.val");
}

TEST(Cifar, AFolderOneLevelTooDeepIsNamed) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", record("\x01", 0, 0, 0, 0));
  const Options options = options_of("cifar10", "cifar-10-batches-bin");
  const DataPlan plan = value_of(data_plan_from(options, folder.path()));
  const Status status = plan.source->read(value_of(schema_of(plan)), 0).status();
  EXPECT_THAT(status.hint(), testing::HasSubstr(concat("'", folder.path(), "' holds them itself")));
  EXPECT_THAT(status.hint(), testing::HasSubstr("give --data its parent folder"));
  std::filesystem::create_symlink("loop.bin", folder.path() + "/loop.bin");
  Options looped = options_of("cifar10", folder.path());
  looped.set("data.cifar.test", OptionValue::List{"loop.bin"});
  EXPECT_THAT(message(looped), testing::HasSubstr("loop.bin' (a link that leads nowhere)"));
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
