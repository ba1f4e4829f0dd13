#include "runtime/data/column_roles.h"

#include "data_testing.h"
#include "runtime/data/describe.h"

#include <functional>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// A scrambled number in [0, 1): the same for the same i, no order in i.
double scrambled(int i) {
  return static_cast<double>(static_cast<std::uint32_t>(i + 1) * 2654435761u % 1000003u) / 1000003.0;
}

using Cell = std::function<std::string(int)>;
using Columns = std::vector<std::pair<std::string, Cell>>;

/// `rows` rows: the columns, a column of noise, and a label that is 1 in the last fiftieth of them.
std::string table(int rows, const Columns& columns) {
  std::string text;
  for (const auto& [name, cell] : columns)
    text += name + ",";
  text += "noise,y\n";
  for (int i = 0; i < rows; ++i) {
    for (const auto& [name, cell] : columns)
      text += cell(i) + ",";
    text += concat(scrambled(i * 7), ",", i >= rows - rows / 50 ? 1 : 0, "\n");
  }
  return text;
}

class Roles : public testing::Test {
protected:
  DataDescription describe(const std::string& text) {
    return value_of(describe_csv(folder_.write("t.csv", text), {}));
  }
  /// Role and reason of the first column of a table of 2000 rows.
  std::pair<ColumnRole, std::string> first(const std::string& name, const Cell& cell, int rows = 2000) {
    const DataDescription d = describe(table(rows, {{name, cell}}));
    return {d.schema.columns[0].role, d.reasons.columns[0]};
  }

private:
  const TemporaryFolder folder_;
};

TEST_F(Roles, AMissingCellDoesNotMakeTextAnIdentifier) {
  // 20 texts in 40 cells with a value are categories here and where the schema is inferred.
  const auto [role, why] = first(
      "x", [](int i) { return i < 40 ? concat("t", i % 20) : ""; }, 60);
  EXPECT_EQ(role, ColumnRole::kCategorical) << why;
}

/// Amounts and dates in a form that is not read look like identifiers; nobody should have to find that out.
TEST_F(Roles, TextThatIsNoFeatureIsNotedWithACell) {
  const auto notes = [&](const std::string& name, const Cell& cell) {
    return describe(table(200, {{name, cell}})).notes;
  };
  EXPECT_THAT(
      notes("amount", [](int i) { return concat('(', i, ".50)"); }),
      testing::Contains(testing::AllOf(HasSubstr("column 'amount' is no feature: text with 200 values"),
                                       HasSubstr("such as '(0.50)' at "), HasSubstr("t.csv:2:1"))));
  EXPECT_THAT(notes("when",
                    [](int i) {
                      return i == 7 ? std::string("0000-00-00")
                                    : concat("20", 10 + i / 12 % 20, "-", 1 + i % 12, "-1");
                    }),
              testing::Contains(HasSubstr("199 of 200 cells are dates that can be read")));
  EXPECT_THAT(notes("key", [](int i) { return concat("k", i); }), IsEmpty());
  EXPECT_THAT(notes("ref", [](int i) { return concat("TX", i); }), IsEmpty());
}

TEST_F(Roles, NumbersInEqualStepsAreIdentifiersInAnyOrder) {
  const std::pair<const char*, Cell> cases[] = {
      {"counts the rows one by one", [](int i) { return concat(i + 1); }},
      {"in equal steps of 10, in row order", [](int i) { return concat(10 * (i + 1)); }},
      {"in equal steps of 1, in row order", [](int i) { return concat(2000 - i); }},
      {"in equal steps of 10", [](int i) { return concat(10 * (i * 1999 % 2000)); }}};
  for (const auto& [reason, cell] : cases) {
    const auto [role, why] = first("x", cell);
    EXPECT_EQ(role, ColumnRole::kId) << reason;
    EXPECT_THAT(why, HasSubstr(reason));
  }
  // Where it ranks the label the reason says so, with the figure.
  EXPECT_THAT(first("x", cases[0].second).second, HasSubstr("AUC 1.0000"));
}

TEST_F(Roles, TooFewRepeatsForTheRangeAreAnIdentifier) {
  // Every fifth number is missing: no equal steps, but 2000 draws from 2500 would repeat hundreds of times.
  const auto [role, why] = first("x", [](int i) { return concat((i * 1999 % 2000) * 5 / 4); });
  EXPECT_EQ(role, ColumnRole::kId);
  EXPECT_THAT(why, HasSubstr("with 0 repeats, where chance gives"));
  // As many repeats as chance gives: a quantity. So is a range too wide for any to be expected.
  EXPECT_EQ(first("x", [](int i) { return concat(static_cast<int>(scrambled(i) * 2500)); }).first,
            ColumnRole::kNumeric);
  EXPECT_EQ(first(
                "x", [](int i) { return concat(static_cast<int>(scrambled(i) * 1e6)); }, 200)
                .first,
            ColumnRole::kNumeric);
  // The same numbers under a name that says so.
  EXPECT_EQ(first(
                "order_id", [](int i) { return concat(i * i); }, 200)
                .first,
            ColumnRole::kId);
}

TEST_F(Roles, NumbersThatDifferInEveryRowStayFeatures) {
  EXPECT_EQ(first("price", [](int i) { return concat(scrambled(i)); }).first, ColumnRole::kNumeric);
  EXPECT_EQ(first("humidity", [](int i) { return concat(i % 60); }).first, ColumnRole::kNumeric);
}

TEST_F(Roles, TheBestIdentifierIsCarriedAndOthersAreDropped) {
  const DataDescription d = describe(table(200, {{"note", [](int i) { return concat(i, "x"); }},
                                                 {"nr", [](int i) { return concat(i); }},
                                                 {"PassengerId", [](int i) { return concat(3 * i); }}}));
  EXPECT_EQ(d.schema.columns[1].role, ColumnRole::kDrop);
  EXPECT_EQ(d.schema.columns[2].role, ColumnRole::kId);
}

TEST_F(Roles, ColumnsThatTellTheLabelAreLeftOutOrQuestioned) {
  const auto positive = [](int i) { return i >= 1960; };
  const DataDescription d = describe(
      table(2000, {{"copy", [&](int i) { return concat(positive(i) ? "refunded" : "fine"); }},
                   {"score", [&](int i) { return concat(scrambled(i) + (positive(i) ? 1 : 0)); }},
                   {"filled", [&](int i) { return positive(i) ? concat(scrambled(i)) : std::string(); }},
                   {"near", [&](int i) { return concat(positive(i) && i != 1999 ? 7 : i % 5); }},
                   {"good", [&](int i) { return concat(scrambled(i) + (positive(i) ? 0.5 : 0)); }}}));
  for (const std::size_t leak : {0, 1, 2}) {
    EXPECT_EQ(d.schema.columns[leak].role, ColumnRole::kDrop) << leak;
    EXPECT_THAT(d.reasons.columns[leak],
                HasSubstr("alone it has AUC 1.0000, average precision 1.0000: a leak?"));
  }
  EXPECT_EQ(d.schema.columns[3].role, ColumnRole::kNumeric);
  EXPECT_THAT(d.reasons.columns[3], HasSubstr("is it known before the label is?"));
  EXPECT_EQ(d.questioned, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(d.notes.size(), 4u);
  EXPECT_EQ(d.reasons.columns[4], "numbers in all 2000 cells with a value");
  EXPECT_THAT(value_of(format_description(d, {})), HasSubstr("1.0000?"));
}

TEST_F(Roles, TheOnlyFeatureIsKeptWithItsQuestion) {
  std::string text = "t,y\n";
  for (int i = 0; i < 40; ++i)
    text += concat(100 + i % 2, ",", i % 2, "\n");
  const DataDescription d = describe(text);
  EXPECT_EQ(d.schema.columns[0].role, ColumnRole::kNumeric);
  EXPECT_THAT(d.reasons.columns[0], HasSubstr("a leak? kept, there is no other feature"));
  EXPECT_TRUE(check_trainable(d).ok());
}

TEST_F(Roles, IdentifiersAloneAreNoTableToLearnFrom) {
  std::string text = "id,y\n";
  for (int i = 0; i < 40; ++i)
    text += concat(i, ",", i % 3 == 0, "\n");
  const Status status = check_trainable(describe(text));
  EXPECT_THAT(status.message(), HasSubstr("no column is left to learn from: 'id' counts the rows"));
  EXPECT_THAT(status.hint(), HasSubstr("columns.numeric"));
}

TEST_F(Roles, TimeAndGroupSplitWhereEveryPartKeepsEveryClass) {
  const auto fraud = [](int first_positive) {
    std::string text = "Time,customer_id,merchant_id,amount,Class\n";
    for (int i = 0; i < 1000; ++i)
      text += concat(i / 3 * 7, ",C", static_cast<int>(scrambled(i) * 90), ",", i % 12, ",", scrambled(i + 3),
                     ",", i >= first_positive && i % (first_positive > 0 ? 3 : 20) == 0, "\n");
    return text;
  };
  const DataDescription d = describe(fraud(0));
  EXPECT_EQ(d.schema.columns[0].role, ColumnRole::kTime);
  EXPECT_EQ(d.schema.columns[1].role, ColumnRole::kGroup);
  EXPECT_EQ(d.schema.columns[2].role, ColumnRole::kCategorical);
  EXPECT_THAT(d.reasons.columns[2], HasSubstr("numbers without an order"));
  EXPECT_EQ(suggest_split(d, false).by, SplitBy::kTime);
  // The customers of the latest rows were there before: beside "what a split must not tear apart" it is said.
  EXPECT_THAT(suggest_split(d, false).reason, HasSubstr("groups are in training too"));
  EXPECT_THAT(suggest_recipe(d, "t.csv", std::nullopt),
              HasSubstr("split = { by = \"time\", val = 0.16, test = 0.2 }"));
  // Positives only among the latest rows: training would have none.
  const SplitChoice late = suggest_split(describe(fraud(900)), false);
  EXPECT_EQ(late.by, SplitBy::kGroup);
  EXPECT_EQ(late.reason, "no group is in two splits");
}

TEST_F(Roles, ATimeThatDoesNotOrderTheRowsStaysAFeatureWithANote) {
  const DataDescription d = describe(table(200, {{"time", [](int i) { return concat(scrambled(i)); }}}));
  EXPECT_EQ(d.schema.columns[0].role, ColumnRole::kNumeric);
  ASSERT_EQ(d.notes.size(), 1u);
  EXPECT_THAT(d.notes[0], HasSubstr("name it as columns.time"));
}

TEST_F(Roles, NumbersWithTextAmongThemAreACategoryOrLeftOut) {
  const DataDescription d = describe(
      table(400, {{"zone", [](int i) { return i % 9 == 0 ? std::string("A") : concat(i % 9); }},
                  {"size", [](int i) { return i == 3 ? std::string("inf") : concat(scrambled(i)); }}}));
  EXPECT_EQ(d.schema.columns[0].role, ColumnRole::kCategorical);
  EXPECT_EQ(d.schema.columns[1].role, ColumnRole::kDrop);
  EXPECT_THAT(d.notes, testing::Contains(
                           HasSubstr("column 'size' is left out: numbers in 399 of 400 cells, but 'inf'")));
}

TEST_F(Roles, DamagedTablesAreNotMeasured) {
  const DataDescription d = describe(table(100, {{"x", [](int i) { return concat(scrambled(i)); }}}) + "1\n");
  EXPECT_THAT(d.notes,
              testing::Contains(HasSubstr("no column was measured against the label: 1 rows are damaged")));
  EXPECT_THAT(check_trainable(d).message(), HasSubstr("expected 3 cells as in the first line, found 1"));
}

/// Legitimate features of public tables are neither questioned nor taken for identifiers.
TEST_F(Roles, RealDataKeepTheirFeatures) {
  if (real_data("adult.data.gz").empty()) GTEST_SKIP() << "no $TAILOR_DATA_DIR";
  for (const char* name : {"abalone.csv.gz", "adult.data.gz", "cover_binary_286048.csv.gz",
                           "covtype_first20000.csv.gz", "ecoli.csv.gz", "glass.csv.gz", "haberman.csv.gz",
                           "letter.csv.gz", "mammography.csv.gz", "new-thyroid.csv.gz", "oil-spill.csv.gz",
                           "phoneme.csv.gz", "satimage_train.csv.gz", "yeast.csv.gz"}) {
    const DataDescription d = value_of(describe_csv(real_data(name), {}));
    EXPECT_THAT(d.questioned, IsEmpty()) << name;
    EXPECT_THAT(d.notes, IsEmpty()) << name;
    for (std::size_t i = 0; i < d.schema.columns.size(); ++i)
      if (d.schema.columns[i].role == ColumnRole::kDrop || d.schema.columns[i].role == ColumnRole::kId) {
        EXPECT_THAT(d.reasons.columns[i], HasSubstr("one value in every row")) << name << " column " << i;
      }
  }
}

} // namespace
} // namespace tailor::runtime
