// Row weights from a column: data.row_weights, docs/methods.md 2.2.
#include "runtime/data/schema.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

constexpr const char* kTable = "x,amount,y\n"
                               "1,0.5,a\n2,$2,a\n3,0,b\n4,1e3,b\n";

TablePlanToOpen plan_for(const std::string& path) {
  TablePlanToOpen plan;
  plan.train = path;
  plan.label = named("y");
  plan.row_weights = named("amount");
  plan.cells.signs = {"$"};
  plan.split.val = plan.split.test = 0;
  return plan;
}

class RowWeights : public testing::Test {
protected:
  std::string write(std::string_view text) { return folder_.write("t.csv", text); }
  std::string failure(std::string_view text) { return failure(plan_for(write(text))); }
  static std::string failure(const TablePlanToOpen& plan) {
    const Result<DataSchema> schema = schema_of(plan);
    return schema.ok() ? open_data(plan, *schema).status().message() : schema.status().message();
  }

  TemporaryFolder folder_;
};

TEST_F(RowWeights, AreAColumnOfTheirOwnAndNoFeature) {
  const TablePlanToOpen plan = plan_for(write(kTable));
  const DataSchema schema = value_of(schema_of(plan));
  EXPECT_EQ(schema.num_numeric(), 1);
  ASSERT_NE(schema.row_weight(), nullptr);
  EXPECT_EQ(value_of(schema_from_json(schema_to_json(schema))), schema);
  const DataBundle bundle = value_of(open_data(plan, schema));
  EXPECT_THAT(bundle.train.values<float>("row_weight"), testing::ElementsAre(0.5, 2, 0, 1000));
  EXPECT_EQ(bundle.train.values<float>("numeric").size(), 4u);
  EXPECT_THAT(bundle.notes, testing::Contains(HasSubstr("metrics count every row alike")));
}

TEST_F(RowWeights, BadCellsAreNamed) {
  const auto with = [](const char* cell) {
    return concat("x,amount,y\n1,1,a\n2,1,a\n3,", cell, ",b\n4,1,b\n");
  };
  const char* expected = "t.csv:4:3: column 'amount': expected a row weight: a number from 0 to 1e30, found ";
  EXPECT_THAT(failure(with("-1")), HasSubstr(concat(expected, "'-1'")));
  EXPECT_THAT(failure(with("")), HasSubstr(concat(expected, "an empty cell")));
  EXPECT_THAT(failure(with("2e30")), HasSubstr(concat(expected, "'2e30'"))); // sums of such overflow
  EXPECT_THAT(failure(with("1e39")), HasSubstr(concat(expected, "'1e39'")));
  EXPECT_THAT(failure(with("inf")), HasSubstr("amount"));
  EXPECT_THAT(failure(with("much")), HasSubstr(concat(expected, "'much'")));
  EXPECT_THAT(failure("x,amount,y\n1,much,a\n2,little,b\n"),
              HasSubstr("column 'amount' of '" + folder_.path() + "/t.csv' holds text ('much' at"));
}

TEST_F(RowWeights, OfNothingAreRefused) {
  EXPECT_THAT(failure("x,amount,y\n1,0,a\n2,0,b\n"),
              HasSubstr("the row weights in column 'amount' are 0 in all 2 rows of the training split"));
  const TablePlanToOpen plan = plan_for(write("x,amount,y\n1,0,a\n2,3,b\n"));
  EXPECT_THAT(value_of(open_data(plan, value_of(schema_of(plan)))).warnings,
              testing::Contains(HasSubstr("every training row of class 'a' has row weight 0")));
}

TEST_F(RowWeights, HaveOneRole) {
  TablePlanToOpen plan = plan_for(write(kTable));
  plan.drop = {named("amount")};
  EXPECT_THAT(failure(plan), HasSubstr("column 'amount' is both data.columns.drop and data.row_weights"));
  plan = plan_for(write(kTable));
  plan.row_weights = named("amuont");
  EXPECT_THAT(schema_of(plan).status().hint(), HasSubstr("amount"));
}

// A split of the run has them; whatever else is evaluated or predicted does not need them.
TEST_F(RowWeights, AreWantedOfTheSplitsOnly) {
  TablePlanToOpen plan = plan_for(write(kTable));
  plan.test = folder_.write("test.csv", "x,y\n1,a\n");
  EXPECT_THAT(failure(plan), HasSubstr("the header has no column 'amount'"));
  plan.test.clear();
  const DataSchema schema = value_of(schema_of(plan));
  const FittedState fitted = value_of(open_data(plan, schema)).fitted;
  for (const char* text : {"x,y\n1,a\n", "x,amount,y\n1,unknown,a\n"}) {
    const Dataset extra =
        value_of(open_extra(folder_.write("more.csv", text), plan, schema, fitted, /*need_label=*/true));
    EXPECT_EQ(extra.find("row_weight"), nullptr);
    EXPECT_THAT(extra.values<float>("numeric"), testing::ElementsAre(1));
  }
}

TEST(RowWeightsKey, NamesTheColumn) {
  Options options;
  options.set("data.train", "t.csv");
  options.set("data.row_weights", "amount");
  EXPECT_EQ(value_of(table_plan_from(options, "")).row_weights->name, "amount");
}

} // namespace
} // namespace tailor::runtime
