#include "runtime/data/plan.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

Options csv_options() {
  Options options;
  options.set("data.format", "csv");
  options.set("data.train", "t.csv");
  return options;
}

void set_at(Options& options, const char* key, OptionValue value, const char* origin = "r.toml:4:3") {
  Option option;
  option.value = std::move(value);
  option.origin = origin;
  options.set(key, std::move(option));
}

/// What the source `csv` reads, and a whole plan of it.
TablePlan table_plan(const Options& options, const std::string& directory = "") {
  EXPECT_TRUE(data_plan_from(options, directory).ok());
  return value_of(table_plan_from(options, directory));
}

Status failure(const Options& options) {
  return data_plan_from(options, "").status();
}

TEST(Plan, NotationsThatContradictThemselvesAreErrors) {
  const auto with = [](const char* key, OptionValue value) {
    Options o = csv_options();
    set_at(o, key, std::move(value));
    return failure(o);
  };
  EXPECT_THAT(with("data.thousands", ".").message(),
              HasSubstr("data.thousands = \".\" is also data.decimal"));
  EXPECT_THAT(with("data.decimal", "comma").message(), HasSubstr("'comma', expected \".\" or \",\""));
  EXPECT_THAT(with("data.number_signs", OptionValue::List{"$", "7"}).message(),
              HasSubstr("r.toml:4:3: data.number_signs[1]"));
  EXPECT_THAT(with("data.missing_markers", OptionValue::List{"-", "-"}).message(),
              HasSubstr("data.missing_markers[1] = '-', expected UTF-8 text that is listed once"));
}

TEST(Plan, ReadsEveryKey) {
  Options o = csv_options();
  set_at(o, "data.header", "yes");
  set_at(o, "data.separator", ";");
  set_at(o, "data.decimal", ",");
  set_at(o, "data.thousands", ".");
  set_at(o, "data.number_signs", OptionValue::List{"€", "%"});
  set_at(o, "data.missing_markers", OptionValue::List{"-999"});
  set_at(o, "data.label.column", "y");
  set_at(o, "data.label.positive", "1");
  set_at(o, "data.label.strip", ".");
  set_at(o, "data.columns.drop", OptionValue::List{"id", 3});
  set_at(o, "data.columns.categorical", "kind"); // a single one is a list of one
  set_at(o, "data.columns.time", "when");
  set_at(o, "data.missing", "flag");
  set_at(o, "data.numeric", "quantile");
  set_at(o, "data.split.by", "time");
  set_at(o, "data.split.val", 0.15);
  set_at(o, "data.split.test", 0.25);
  set_at(o, "data.long_tail.profile", "step");
  set_at(o, "data.long_tail.r", 0.1);
  set_at(o, "data.long_tail.subset_seed", "run_seed");
  set_at(o, "data.test.r", 0.5);
  set_at(o, "eval.groups", "thirds");
  const TablePlan plan = table_plan(o, "/recipes");
  const DataPlan whole = value_of(data_plan_from(o, "/recipes"));
  EXPECT_EQ(plan.train, "/recipes/t.csv");
  EXPECT_EQ(plan.csv.header, HeaderLine::kYes);
  EXPECT_EQ(plan.csv.separator, ';');
  EXPECT_EQ(plan.cells.number, (NumberFormat{',', '.'}));
  EXPECT_EQ(plan.cells.signs, (std::vector<std::string>{"€", "%"}));
  EXPECT_EQ(plan.cells.missing, (std::vector<std::string>{"-999"}));
  EXPECT_EQ(plan.label->name, "y");
  EXPECT_EQ(plan.positive, "1");
  EXPECT_EQ(plan.label_strip, ".");
  ASSERT_EQ(plan.drop.size(), 2u);
  EXPECT_EQ(plan.drop[1].position, 3);
  EXPECT_EQ(plan.categorical[0].name, "kind");
  EXPECT_EQ(plan.time->name, "when");
  EXPECT_EQ(plan.missing, MissingPolicy::kFlag);
  EXPECT_EQ(whole.normalisation, Normalisation::kQuantile);
  EXPECT_EQ(plan.split.by, SplitBy::kTime);
  EXPECT_EQ(plan.split.test, 0.25);
  EXPECT_EQ(whole.long_tail->profile, TailProfile::kStep);
  EXPECT_TRUE(whole.long_tail->subset_follows_run);
  EXPECT_EQ(whole.test_long_tail->profile, TailProfile::kStep);
  EXPECT_EQ(whole.test_long_tail->r, 0.5);
  EXPECT_EQ(whole.groups.kind, GroupRule::Kind::kThirds);
}

TEST(Plan, SeedsAreNumbersOrThatOfTheRun) {
  Options o = csv_options();
  EXPECT_FALSE(table_plan(o).split.val_follows_run);
  set_at(o, "data.split.val_seed", 7);
  EXPECT_EQ(table_plan(o).split.val_seed, 7u);
  set_at(o, "data.split.val_seed", "run_seed");
  EXPECT_TRUE(table_plan(o).split.val_follows_run);
  set_at(o, "data.split.val_seed", "mine");
  EXPECT_FALSE(data_plan_from(o, "").ok());
}

TEST(Plan, DefaultsAreThoseOfTheProtocol) {
  Options o = csv_options();
  const DataPlan plan = value_of(data_plan_from(o, ""));
  EXPECT_EQ(table_plan(o).split.val, 0.16);
  EXPECT_EQ(table_plan(o).split.test, 0.2);
  EXPECT_FALSE(plan.long_tail || plan.test_long_tail);
  // With a test file 80/20 inside train, unless the share was given.
  set_at(o, "data.test.file", "u.csv");
  set_at(o, "data.split.val", 0.16, "default");
  EXPECT_EQ(table_plan(o).split.val, 0.2);
  EXPECT_EQ(table_plan(o).split.test, 0);
  set_at(o, "data.split.val", 0.1);
  EXPECT_EQ(table_plan(o).split.val, 0.1);
  set_at(o, "data.val", "v.csv");
  EXPECT_EQ(table_plan(o).split.val, 0);
}

TEST(Plan, ErrorsNameKeyValueAndPlace) {
  Options o = csv_options();
  set_at(o, "data.long_tail.profile", "exp");
  set_at(o, "data.long_tail.r", 100.0);
  EXPECT_THAT(failure(o).message(), HasSubstr("r.toml:4:3: data.long_tail.r: imbalance ratio r = 100"));
  EXPECT_THAT(failure(o).hint(), HasSubstr("did you mean 1/100?"));
  set_at(o, "data.long_tail.reversed", true);
  EXPECT_TRUE(data_plan_from(o, "").ok());

  const auto with = [](const char* key, OptionValue value) {
    Options options = csv_options();
    set_at(options, key, std::move(value));
    return failure(options).message();
  };
  EXPECT_THAT(with("data.numeric", "robust"),
              HasSubstr("r.toml:4:3: 'data.numeric' must be one of: none, standard, quantile"));
  EXPECT_THAT(with("data.missing", "zero"), HasSubstr("'data.missing' must be one of: error, mean, flag"));
  EXPECT_THAT(with("data.columns.drop", OptionValue::List{true}),
              HasSubstr("expected a column name or position"));
  EXPECT_THAT(with("data.label.column", std::int64_t{1} << 60),
              HasSubstr("expected a column name or position"));
  EXPECT_THAT(with("data.split.by", "files"), HasSubstr("needs data.val or data.test"));
  EXPECT_THAT(with("data.split.by", "group"), HasSubstr("needs data.split.column or data.columns.group"));
  EXPECT_THAT(with("data.split.val", 0.9), HasSubstr("less than 1 together"));
  EXPECT_THAT(with("data.long_tail.r", 0.1), HasSubstr("without data.long_tail.profile"));
  EXPECT_THAT(with("data.test.r", 0.1), HasSubstr("without data.test.profile"));
  EXPECT_THAT(with("data.long_tail.profile", "expo"), HasSubstr("one of: exp, step"));
  EXPECT_THAT(with("eval.groups", "halves"), HasSubstr("group rule 'halves'"));
  EXPECT_THAT(with("data.train", ""), HasSubstr("data.train is not set"));
}

TEST(Plan, ErrorsAreAboutAKey) {
  Options o = csv_options();
  set_at(o, "data.separator", "ab");
  const Status status = read_data_plan(o, "").status();
  EXPECT_EQ(status.key(), "data.separator");
  EXPECT_EQ(status.message(),
            "data.separator: separator 'ab', expected auto, tab or one character that is no "
            "letter, digit, quote or blank");
  EXPECT_EQ(failure(o).message(), "r.toml:4:3: " + status.message());
  o = csv_options();
  set_at(o, "data.long_tail.profile", "binary_fixed");
  set_at(o, "data.long_tail.b", 0.0, "command line");
  EXPECT_EQ(read_data_plan(o, "").status().key(), "data.long_tail.b");
  EXPECT_THAT(failure(o).message(),
              testing::StartsWith("command line: data.long_tail.b: binary_fixed shares"));
}

TEST(Plan, GeneratedSets) {
  Options o;
  set_at(o, "data.format", "blobs");
  set_at(o, "data.classes", 7);
  set_at(o, "data.dimensions", 5);
  set_at(o, "data.samples_per_class", 100);
  const DataPlan plan = value_of(data_plan_from(o, ""));
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_EQ(schema.num_classes, 7);
  EXPECT_EQ(schema.num_numeric(), 5);
  EXPECT_EQ(value_of(plan.source->read(schema, 0)).train.num_rows, 700);
  set_at(o, "data.format", "two_moons"); // has its own two classes and dimensions
  EXPECT_EQ(value_of(schema_of(value_of(data_plan_from(o, "")))).num_classes, 2);
  set_at(o, "data.samples_per_class", std::int64_t{1} << 60);
  EXPECT_THAT(failure(o).message(), HasSubstr("data.samples_per_class"));
  set_at(o, "data.format", "blob");
  EXPECT_THAT(failure(o).message(), HasSubstr("blobs"));
}

} // namespace
} // namespace tailor::runtime
