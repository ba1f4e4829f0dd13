#include "runtime/data/describe.h"

#include "data_testing.h"

#include <functional>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

/// 40 rows: a row number, a name, a constant, a number with gaps, a category, a class (30 : 10).
std::string people() {
  std::string text = "row,name,same,age,kind,Class\n";
  for (int i = 0; i < 40; ++i)
    text += concat(i, ",person", i, ",1,", i % 10 == 0 ? "?" : concat(i * 7 % 13), ",", i % 2 ? "a" : "b",
                   ",", i % 4 ? "no" : "yes", "\n");
  return text;
}

TEST(Describe, AFeatureNamedFromTheRightIsOne) {
  const TemporaryFolder folder;
  std::string text = "id,kind,y\n";
  for (int i = 0; i < 40; ++i)
    text += concat(i, i % 3 ? ",a," : ",b,", i % 2, "\n");
  TablePlan plan;
  plan.categorical = {{"", -2}};
  const DataDescription d = value_of(describe_csv(folder.write("p.csv", text), plan));
  EXPECT_TRUE(d.features_left);
  EXPECT_EQ(d.schema.columns[1].role, ColumnRole::kCategorical);
}

TEST(Describe, FindsLabelIdentifiersAndConstants) {
  const TemporaryFolder folder;
  const DataDescription d = value_of(describe_csv(folder.write("p.csv", people()), {}));
  const auto role = [&](std::size_t i) { return d.schema.columns[i].role; };
  EXPECT_EQ(role(0), ColumnRole::kDrop);
  EXPECT_EQ(d.reasons.columns[0], "counts the rows one by one: a row number");
  EXPECT_EQ(role(1), ColumnRole::kId);
  EXPECT_EQ(d.reasons.columns[1], "text with 40 values in 40 rows: an identifier; predictions carry it");
  EXPECT_EQ(role(2), ColumnRole::kDrop);
  EXPECT_EQ(d.reasons.columns[2], "one value in every row ('1')");
  EXPECT_EQ(role(3), ColumnRole::kNumeric);
  EXPECT_EQ(role(4), ColumnRole::kCategorical);
  EXPECT_EQ(role(5), ColumnRole::kLabel);
  EXPECT_EQ(d.reasons.label, "its name, 'Class'");
  EXPECT_EQ(d.class_counts, (std::vector<std::int64_t>{30, 10}));
}

TEST(Describe, WhatTheUserDeclaredIsKept) {
  const TemporaryFolder folder;
  TablePlan plan;
  plan.label = named("kind");
  plan.categorical = {named("name")};
  plan.numeric = {named("row")};
  const DataDescription d = value_of(describe_csv(folder.write("p.csv", people()), plan));
  EXPECT_EQ(d.schema.columns[0].role, ColumnRole::kNumeric);
  EXPECT_EQ(d.schema.columns[1].role, ColumnRole::kCategorical);
  EXPECT_EQ(d.schema.class_names, (std::vector<std::string>{"a", "b"}));
}

TEST(Describe, ReportSaysWhatIsThere) {
  const TemporaryFolder folder;
  const DataDescription d = value_of(describe_csv(folder.write("p.csv", people() + "1,2\n"), {}));
  const std::string report = value_of(format_description(d, {}));
  EXPECT_THAT(report, HasSubstr("p.csv: 40 rows, 6 columns"));
  EXPECT_THAT(report, HasSubstr("r = 0.3333 (1:3)"));
  EXPECT_THAT(report, HasSubstr("0  no   30   75.00 %  majority\n"));
  EXPECT_THAT(report, HasSubstr("1  yes  10   25.00 %  minority, positive\n"));
  EXPECT_THAT(report, HasSubstr("groups by thresholds(20,100): few = 1; med = 0; many absent"));
  EXPECT_THAT(report, HasSubstr("3  age    numeric      0 .. 12          4      -  integers in all 36 cells "
                                "with a value, 4 missing"));
  EXPECT_THAT(report, HasSubstr("damaged rows: 1 "));
  EXPECT_THAT(report, HasSubstr("p.csv:42: expected 6 cells as in the first line, found 2"));
  EXPECT_FALSE(format_description(d, {GroupRule::Kind::kHeadMedTail, 2, 5}).ok());
}

TEST(Describe, RowsWithoutALabelAreTrouble) {
  const TemporaryFolder folder;
  const DataDescription d =
      value_of(describe_csv(folder.write("p.csv", people() + "40,p40,1,2,a,\n41,p41,1,2,a,NA\n"), {}));
  EXPECT_EQ(d.class_counts, (std::vector<std::int64_t>{30, 10}));
  ASSERT_EQ(d.trouble.size(), 1u);
  const std::string report = value_of(format_description(d, {}));
  EXPECT_THAT(report, HasSubstr("p.csv:42:14: no label here; 2 of 42 rows have none, training needs one"));
  EXPECT_THAT(report, HasSubstr("5  Class  label        2 values         2      -  its name"));
  EXPECT_THAT(check_trainable(d).message(), HasSubstr("p.csv:42:14: no label here"));
}

TEST(Describe, QuantitiesAreNoClasses) {
  const TemporaryFolder folder;
  const auto labels = [&](const std::function<std::string(int)>& label) {
    std::string text = "x,label\n";
    for (int i = 0; i < 100; ++i)
      text += concat(i % 7, ",", label(i), "\n");
    return check_trainable(value_of(describe_csv(folder.write("q.csv", text), {})));
  };
  EXPECT_TRUE(labels([](int i) { return concat(i % 2, ".0"); }).ok());
  EXPECT_TRUE(labels([](int i) { return concat("class", i % 20); }).ok());
  EXPECT_THAT(labels([](int i) { return concat(i % 3, ".5"); }).message(),
              HasSubstr("q.csv:2:3: label column 'label' holds 0.5, a quantity and not a class"));
  const Status many = labels([](int i) { return concat(i / 4); });
  EXPECT_THAT(many.message(), HasSubstr("has 25 different values in 100 rows: fewer than 10 rows a class"));
  EXPECT_THAT(many.hint(), HasSubstr("--label"));
}

TEST(Describe, LabelsThatAllEndInAFullStop) {
  const TemporaryFolder folder;
  const DataDescription d = value_of(describe_csv(folder.write("t.csv", "1,lo.\n2,hi.\n3,lo.\n"), {}));
  EXPECT_EQ(d.plan.label_strip, ".");
  EXPECT_EQ(d.schema.class_names, (std::vector<std::string>{"lo", "hi"}));
  EXPECT_EQ(d.class_counts, (std::vector<std::int64_t>{2, 1}));
}

TEST(Describe, TestTablesBesideTheTable) {
  const TemporaryFolder folder;
  const std::string train = folder.write("set.data.csv", "1,lo\n2,hi\n3,lo\n");
  EXPECT_FALSE(find_test_table(train));
  const std::string test = folder.write("set.test.csv", "1,lo.\n2,hi.\n");
  EXPECT_EQ(find_test_table(train), test);
  const DataDescription d = value_of(describe_csv(train, {}));
  EXPECT_EQ(value_of(describe_test_table(test, d)).label_strip, ".");
  EXPECT_THAT(describe_test_table(folder.write("x.csv", "1,other\n"), d).status().message(),
              HasSubstr("are not the classes of"));
  EXPECT_THAT(describe_test_table(folder.write("y.csv", "1,2,lo\n"), d).status().message(),
              HasSubstr("has 3 columns"));
  EXPECT_EQ(find_test_table(folder.write("X_train.csv", "")), std::nullopt);
}

TEST(Suggest, RecipeNamesEveryChoiceWithItsReason) {
  const TemporaryFolder folder;
  const DataDescription d = value_of(describe_csv(folder.write("p.csv", people()), {}));
  const std::string recipe = suggest_recipe(d, "p \"1\".csv", TestTable{"t.csv", "found beside", "."});
  for (const char* expected :
       {"train = \"p \\\"1\\\".csv\"", "test = \"t.csv\"", "# found beside", "label.column = \"Class\"",
        "label.positive = \"yes\"", "label.strip = \".\"", "columns.drop = [", "columns.id = \"name\"",
        "# text with 40 values in 40 rows: an identifier", "columns.categorical = [\n  \"kind\",",
        "columns.numeric = [\n  \"age\",", "missing = \"flag\"", "numeric = \"standard\"",
        "split = { val = 0.2", "use = [\"erm\"]", "keep = { best = \"val/accuracy\" }"})
    EXPECT_THAT(recipe, HasSubstr(expected)) << expected;
  EXPECT_THAT(recipe, Not(HasSubstr("ATTENTION")));
  // Every setting is followed by its reason.
  EXPECT_THAT(recipe, HasSubstr("# r = 0.3333 (1:3); plain training"));
}

/// 300 rows without a pattern, `positives` of them 1, the first so many.
std::string rare(int positives, int rows = 300) {
  std::string text;
  for (int i = 0; i < rows; ++i)
    text += concat((i * 37) % 101, ",", i < positives ? "1" : "0", "\n");
  return text;
}

TEST(Suggest, EveryTableStartsFromPlainTraining) {
  const TemporaryFolder folder;
  const DataDescription d = value_of(describe_csv(folder.write("t.csv", rare(10)), {}));
  const std::string recipe = suggest_recipe(d, "t.csv", std::nullopt);
  EXPECT_THAT(recipe, HasSubstr("use = [\"erm\"]"));
  EXPECT_THAT(recipe, HasSubstr("`tailor compare` measures it"));
  EXPECT_THAT(recipe, HasSubstr("early_stop = { on = \"val/average_precision\""));
  EXPECT_THAT(recipe, HasSubstr("label.column = 1 "));
  EXPECT_THAT(recipe, HasSubstr("split = { val = 0.16, test = 0.2"));
}

/// 60 epochs of a table of 300 rows are 180 steps, and a patience of 8 epochs is 24: nothing is learnt in them.
TEST(Suggest, SmallTablesGetTheirStepsInMoreEpochs) {
  const TemporaryFolder folder;
  const auto recipe = [&](int rows) {
    return suggest_recipe(value_of(describe_csv(folder.write("t.csv", rare(rows / 3, rows)), {})), "t.csv",
                          std::nullopt);
  };
  const std::string small = recipe(300), middle = recipe(6000);
  EXPECT_THAT(small, HasSubstr("epochs = 167 ")); // 192 training rows: 3 steps an epoch
  EXPECT_THAT(small, HasSubstr("# 3 steps an epoch; with early stopping below"));
  EXPECT_THAT(small, HasSubstr("patience = 27 }"));
  EXPECT_THAT(middle, HasSubstr("epochs = 60 "));
  EXPECT_THAT(middle, HasSubstr("patience = 8 }"));
}

TEST(Suggest, TheWatchedMetricExistsInValidation) {
  const TemporaryFolder folder;
  const auto watched = [&](const std::string& text) {
    const DataDescription d = value_of(describe_csv(folder.write("t.csv", text), {}));
    return suggest_watched_metric(d, suggest_split(d, false));
  };
  EXPECT_EQ(watched(rare(100)).name, "val/accuracy");
  EXPECT_EQ(watched(rare(100)).warning, "");
  const WatchedMetric few = watched(rare(10));
  EXPECT_EQ(few.name, "val/average_precision");
  EXPECT_THAT(few.warning, HasSubstr("validation holds 2 positives ('1')"));
  for (const int positives : {1, 2, 3}) {
    const WatchedMetric none = watched(rare(positives));
    EXPECT_EQ(none.name, "val/loss") << positives;
    EXPECT_THAT(none.warning,
                HasSubstr(concat("validation holds no positives ('1') (", positives, " in the table)")));
  }
  EXPECT_EQ(watched("1,a\n2,b\n3,a\n").name, ""); // no validation row at all
}

TEST(Suggest, HostileNamesCannotLeaveTheirString) {
  const TemporaryFolder folder;
  const std::string text = "\"a\"\"]\nb\",y\n1,x\n2,z\n3,x\n";
  const DataDescription d = value_of(describe_csv(folder.write("t.csv", text), {}));
  const std::string recipe = suggest_recipe(d, "t\n[run].csv", std::nullopt);
  EXPECT_THAT(recipe, HasSubstr("\"a\\\"]\\u000Ab\""));
  EXPECT_THAT(recipe, Not(HasSubstr("\n[run].csv")));
}

} // namespace
} // namespace tailor::runtime
